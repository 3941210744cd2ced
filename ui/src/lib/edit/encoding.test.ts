import { expect, test } from 'vitest';
import { decode, encode, EncodingError, encodingName, fromEditor, lineBreakOf, PLAIN, toEditor } from './encoding';

const bytes = (...parts: (number[] | string)[]) => Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part)));

test('text is written back byte for byte', () => {
	const cases = [
		bytes(''),
		bytes('größe\n'),
		bytes([0xef, 0xbb, 0xbf], 'id;name\r\n'),
		// A second mark is a character.
		bytes([0xef, 0xbb, 0xbf], [0xef, 0xbb, 0xbf], 'x'),
		bytes([0xff, 0xfe], [0x61, 0, 0x0a, 0, 0x3d, 0xd8, 0x00, 0xde]),
		bytes([0xfe, 0xff], [0, 0x61, 0, 0x0a]),
		bytes('caf', [0xe9], ',', [0x80], '\n'),
		// Bytes that Windows-1252 does not define.
		bytes([0x81, 0x8d, 0x8f, 0x90, 0x9d, 0xff])
	];
	for (const before of cases) {
		const read = decode(before);
		expect(read).not.toBeNull();
		if (read) expect(encode(read.text, read.format)).toEqual(before);
	}
	for (let seed = 1; seed < 200; seed += 1) {
		const before = Uint8Array.from({ length: seed }, (_, index) => ((seed * 7919 + index * 104729) % 255) + 1);
		const read = decode(before);
		if (read) expect(encode(read.text, read.format)).toEqual(before);
	}
});

test('binary files are no text', () => {
	expect(decode(bytes('a', [0], 'b'))).toBeNull();
	// Half of a pair, which could not be written back.
	expect(decode(bytes([0xff, 0xfe], [0x3d, 0xd8]))).toBeNull();
	expect(decode(bytes([0xff, 0xfe], [0x3d]))).toBeNull();
});

test('characters that an encoding does not have are named', () => {
	const read = decode(bytes('caf', [0xe9]));
	expect(read?.format.encoding).toBe('windows-1252');
	expect(() => encode('café 日', read?.format ?? PLAIN)).toThrow(EncodingError);
	expect(() => encode('café 😀', read?.format ?? PLAIN)).toThrow('😀');
	expect(encode('café €', read?.format ?? PLAIN)).toEqual(bytes('caf', [0xe9], ' ', [0x80]));
	expect(encodingName({ encoding: 'utf-16le', mark: true })).toBe('UTF-16');
	expect(encodingName({ encoding: 'utf-8', mark: true })).toBe('UTF-8 with BOM');
});

test('line breaks are kept', () => {
	expect(lineBreakOf('one line')).toBe('\n');
	expect(lineBreakOf('a\r\nb\r\n')).toBe('\r\n');
	expect(lineBreakOf('a\rb')).toBe('\r');
	expect(lineBreakOf('a\r\nb\n')).toBe('mixed');
	expect(lineBreakOf('a\n\r\n')).toBe('mixed');
	for (const text of ['', 'a', 'a\nb\n', 'a\r\nb\r\n', 'a\rb\r', 'a\r\nb\nc\rd', '\r\n\r\n', '\n\n']) {
		const kind = lineBreakOf(text);
		expect(fromEditor(toEditor(text, kind), kind)).toBe(text);
	}
	expect(fromEditor('a\nb\nc', '\r\n')).toBe('a\r\nb\r\nc');
});
