// Literals of programming languages: writes any text so that it cannot be anything but one value, and so that it looks like
// what it is. Characters that are not visible, or that change the order of others on the screen, are escaped.

/** Control and format characters, line separators, and halves of characters. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const EVERY_HIDDEN = new RegExp(HIDDEN, 'gu');

const hex = (character: string, digits: number): string => (character.codePointAt(0) ?? 0).toString(16).padStart(digits, '0');

/** Escapes a character as Python, R and `$'…'` of shells do. */
const escaped = (character: string): string => (character.length > 1 ? `\\U${hex(character, 8)}` : `\\u${hex(character, 4)}`);

/** Writes an argument of a POSIX shell; with hidden characters, of bash and zsh. Only the value: `-x` is still an option. */
export function inShell(text: string): string {
	if (/^[A-Za-z0-9_./][A-Za-z0-9_./:@%+,-]*$/.test(text)) return text;
	if (!HIDDEN.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
	return `$'${text.replace(/[\\']/g, '\\$&').replace(EVERY_HIDDEN, escaped)}'`;
}

const inDoubleQuotes = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(EVERY_HIDDEN, escaped)}"`;

/** Writes a string of Python. */
export const inPython = inDoubleQuotes;

/** Writes a string of R. */
export const inR = inDoubleQuotes;

/** Writes a string of SQL. */
export const inSql = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Encodes a segment of a URL: only letters, digits and `-._~` stay, so no program or language takes any of it for syntax. */
export const inUrl = (text: string): string =>
	encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd')).replace(/[!'()*]/g, (character) => `%${hex(character, 2).toUpperCase()}`);
