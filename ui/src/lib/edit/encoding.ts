// Text files as bytes: encoding, byte order mark and line breaks, so that saving changes nothing else.

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

export interface TextFormat {
	encoding: Encoding;
	/** True if the file begins with a byte order mark. */
	mark: boolean;
}

/** Format of new files. */
export const PLAIN: TextFormat = { encoding: 'utf-8', mark: false };

const MARKS: [Encoding, number[]][] = [
	['utf-8', [0xef, 0xbb, 0xbf]],
	['utf-16le', [0xff, 0xfe]],
	['utf-16be', [0xfe, 0xff]]
];

/** The characters of Windows-1252 from 0x80 to 0x9f; the others are those of Unicode. Not every `TextDecoder` has all of them. */
const WESTERN = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** Returns the text of a file without its byte order mark; `null` for a binary file, and for text that cannot be written back as it is. */
export function decode(bytes: Uint8Array): { text: string; format: TextFormat } | null {
	const found = MARKS.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte));
	const body = found ? bytes.subarray(found[1].length) : bytes;
	if ((found?.[0] ?? 'utf-8') === 'utf-8' && body.includes(0)) return null;
	const encoding = found?.[0] ?? 'utf-8';
	try {
		const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(body);
		return { text, format: { encoding, mark: found !== undefined } };
	} catch {
		if (found) return null;
	}
	let text = '';
	for (const byte of body) text += byte >= 0x80 && byte < 0xa0 ? WESTERN[byte - 0x80] : String.fromCharCode(byte);
	return { text, format: { encoding: 'windows-1252', mark: false } };
}

/** A character that an encoding does not have. */
export class EncodingError extends Error {
	constructor(readonly character: string) {
		super(`This file is stored in the encoding Windows-1252 (Latin-1), which does not have the character “${character}”. Remove it, or save the file as UTF-8.`);
	}
}

function westernByte(character: string): number | undefined {
	const code = character.codePointAt(0) ?? 0;
	if (code < 0x80 || (code >= 0xa0 && code < 0x100)) return code;
	const at = WESTERN.indexOf(character);
	return at < 0 ? undefined : 0x80 + at;
}

/** Returns the bytes of a text. Throws an `EncodingError` for characters that the encoding does not have. */
export function encode(text: string, { encoding, mark }: TextFormat): Uint8Array<ArrayBuffer> {
	const first = mark ? (MARKS.find(([name]) => name === encoding)?.[1] ?? []) : [];
	if (encoding === 'utf-8') {
		const body = new TextEncoder().encode(text);
		const bytes = new Uint8Array(first.length + body.length);
		bytes.set(first);
		bytes.set(body, first.length);
		return bytes;
	}
	if (encoding === 'windows-1252') {
		const bytes = new Uint8Array(text.length);
		let length = 0;
		for (const character of text) {
			const byte = westernByte(character);
			if (byte === undefined) throw new EncodingError(character);
			bytes[length++] = byte;
		}
		return bytes.slice(0, length);
	}
	const bytes = new Uint8Array(first.length + text.length * 2);
	bytes.set(first);
	const view = new DataView(bytes.buffer);
	for (let index = 0; index < text.length; index += 1) view.setUint16(first.length + index * 2, text.charCodeAt(index), encoding === 'utf-16le');
	return bytes;
}

/** A line break; `mixed` if a file has several kinds, which are then kept as they are. */
export type LineBreak = '\n' | '\r\n' | '\r' | 'mixed';

export function lineBreakOf(text: string): LineBreak {
	let found: LineBreak | undefined;
	for (const [kind] of text.matchAll(/\r\n|\r|\n/g)) {
		if (found !== undefined && found !== kind) return 'mixed';
		found = kind as LineBreak;
	}
	return found ?? '\n';
}

/** Returns a text with `\n` only, as the editor has it; unchanged if the breaks are mixed. */
export const toEditor = (text: string, lineBreak: LineBreak): string => (lineBreak === '\r\n' || lineBreak === '\r' ? text.replaceAll(lineBreak, '\n') : text);

/** The reverse of `toEditor`. */
export const fromEditor = (text: string, lineBreak: LineBreak): string => (lineBreak === '\r\n' || lineBreak === '\r' ? text.replaceAll('\n', lineBreak) : text);

export const encodingName = ({ encoding, mark }: TextFormat): string =>
	encoding === 'windows-1252' ? 'Windows-1252' : mark && encoding === 'utf-8' ? 'UTF-8 with BOM' : encoding.toUpperCase().replace(/[LB]E$/, '');
