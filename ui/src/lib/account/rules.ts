/** Characters that a password has at least; the server says the same. */
export const SHORTEST = 8;

/** Why a name cannot be an account's or an organisation's; null if it can, as far as can be told here. */
export function userNameProblem(name: string): string | null {
	if (name === '') return 'Choose a name.';
	if (name.length > 96) return 'The name is longer than 96 characters.';
	if (/\s/.test(name)) return `It must not contain spaces${suitable(name)}`;
	if (!/^[A-Za-z0-9._-]+$/.test(name)) return `Use the letters a to z without accents, digits, “.”, “_” and “-”${suitable(name)}`;
	if (!/^[A-Za-z0-9]/.test(name)) return 'It begins with a letter or a digit.';
	if (/\.\.|\.$|\.git$|\.lock$/i.test(name)) return 'It must not contain “..” or end in “.”, “.git” or “.lock”.';
	return null;
}

/** The end of a sentence that refuses a name: one that would do, if something is left of it. */
function suitable(name: string): string {
	const other = nameFrom(name);
	return other === '' ? '.' : `, as in “${other}”.`;
}

/** Letters that no accent can be taken from. */
const SPELT: Record<string, string> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ð: 'd', þ: 'th', ł: 'l', đ: 'd', ı: 'i' };

/** A name for addresses that suits one for people: `Käthe Müller` → `kathe-muller`; empty for one without such letters. */
export function nameFrom(text: string): string {
	return text
		.toLowerCase()
		.replace(/[ßæœøðþłđı]/g, (letter) => SPELT[letter] ?? '')
		.normalize('NFD')
		.replace(/\p{M}+/gu, '')
		.replace(/[^a-z0-9._-]+/g, '-')
		.replace(/\.{2,}/g, '.')
		.slice(0, 96)
		.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
		.replace(/\.(git|lock)$/, '-$1');
}

/** A name that suits an address: `Ada.Lovelace@example.org` → `ada.lovelace`. */
export function suggestedName(email: string): string {
	return nameFrom((email.split('@')[0] ?? '').split('+')[0] ?? '');
}
