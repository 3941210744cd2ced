/** Characters that a password has at least; the server says the same. */
export const SHORTEST = 8;

/** Why a name cannot be an account's or an organisation's; null if it can, as far as can be told here. */
export function userNameProblem(name: string): string | null {
	if (name === '') return 'Choose a name.';
	if (name.length > 96) return 'The name is longer than 96 characters.';
	if (!/^[A-Za-z0-9._-]+$/.test(name)) return 'Use letters, digits, “.”, “_” and “-”.';
	if (!/^[A-Za-z0-9]/.test(name)) return 'It begins with a letter or a digit.';
	if (/\.\.|\.$|\.git$|\.lock$/i.test(name)) return 'It must not contain “..” or end in “.”, “.git” or “.lock”.';
	return null;
}

/** A name that suits an address: `Ada.Lovelace@example.org` → `ada.lovelace`. */
export function suggestedName(email: string): string {
	const local = (email.split('@')[0] ?? '').split('+')[0] ?? '';
	return local
		.toLowerCase()
		.replace(/[^a-z0-9._-]+/g, '-')
		.replace(/\.{2,}/g, '.')
		.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
}
