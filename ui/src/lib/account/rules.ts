/** Minimum length of a password; the same as on the server. */
export const MIN_PASSWORD_LENGTH = 8;

/** Returns why a user or organisation name is invalid; null if it is valid. The server may still reject it. */
export function userNameProblem(name: string): string | null {
	if (name === '') return 'Enter a name.';
	if (name.length > 96) return 'The name is longer than 96 characters.';
	if (/\s/.test(name)) return `User names cannot contain spaces.${suggestion(name)}`;
	if (!/^[A-Za-z0-9._-]+$/.test(name)) return `Use only letters a–z without accents, digits, “.”, “_” and “-”.${suggestion(name)}`;
	if (!/^[A-Za-z0-9]/.test(name)) return 'The name must start with a letter or digit.';
	if (/\.\.|\.$|\.git$|\.lock$/i.test(name)) return 'The name cannot contain “..” or end in “.”, “.git” or “.lock”.';
	return null;
}

/** Returns a sentence that suggests a valid name, if one can be derived. */
function suggestion(name: string): string {
	const other = nameFrom(name);
	return other === '' ? '' : ` Try “${other}”.`;
}

/** Transliterations of letters that Unicode normalization does not decompose. */
const SPELT: Record<string, string> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ð: 'd', þ: 'th', ł: 'l', đ: 'd', ı: 'i' };

/** Derives a user name from a display name: `Käthe Müller` → `kathe-muller`; empty if it has no Latin letters. */
export function nameFrom(text: string): string {
	return text
		.toLowerCase()
		.replace(/[ßæœøðþłđı]/g, (char) => SPELT[char] ?? '')
		.normalize('NFD')
		.replace(/\p{M}+/gu, '')
		.replace(/[^a-z0-9._-]+/g, '-')
		.replace(/\.{2,}/g, '.')
		.slice(0, 96)
		.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
		.replace(/\.(git|lock)$/, '-$1');
}

/** Derives a user name from an e-mail address: `Ada.Lovelace@example.org` → `ada.lovelace`. */
export function suggestedName(email: string): string {
	return nameFrom((email.split('@')[0] ?? '').split('+')[0] ?? '');
}
