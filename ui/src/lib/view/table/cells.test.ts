import { describe, expect, it } from 'vitest';
import { byteLength, imageUrl, showCell, wholeCell } from './cells';

const png = btoa('\x89PNG\r\n\x1a\n\0\0\0\rIHDR and more');
const text = { name: 'a', type: 'string' };
const binary = { name: 'a', type: 'string', format: 'binary' };
const nested = { name: 'a', type: 'object' };

describe('showCell', () => {
	it('shows values as they are', () => {
		expect(showCell(null, text)).toEqual({ text: '–', kind: 'none' });
		expect(showCell(12.5, { name: 'a', type: 'number' })).toEqual({ text: '12.5', kind: 'number' });
		expect(showCell(17.483037445715052, { name: 'a', type: 'number' })).toEqual({ text: '17.483', kind: 'number', title: '17.483037445715052' });
		const numbers = [1_700_000_000.123, 0.012345678912345, 2.77e-7, 1234567890123456, -1.5, 39.94127, 0.99999, -0.00012345678].map((value) => showCell(value, { name: 'a', type: 'number' }).text);
		expect(numbers).toEqual(['1700000000.123', '0.01235', '2.77e-7', '1234567890123456', '-1.5', '39.9413', '1', '-0.0001235']);
		expect(showCell('9007199254740993', { name: 'a', type: 'integer' })).toEqual({ text: '9007199254740993', kind: 'number' });
		expect(showCell(false, { name: 'a', type: 'boolean' })).toEqual({ text: 'false', kind: 'plain' });
		expect(showCell('2025-01-31T14:00:00Z', { name: 'a', type: 'datetime' }).text).toBe('2025-01-31 14:00:00Z');
		expect(showCell('', text)).toEqual({ text: '', kind: 'plain' });
	});

	it('has all digits of ids, of decimal texts, and where values are compared', () => {
		const number = { name: 'a', type: 'number' };
		expect(showCell(20240131000123, number)).toEqual({ text: '20240131000123', kind: 'number' });
		expect(showCell('39.941270000', number)).toEqual({ text: '39.941270000', kind: 'number' });
		expect(showCell(39.94127, number)).toEqual({ text: '39.9413', kind: 'number', title: '39.94127' });
		expect(showCell(39.94127, number, true)).toEqual({ text: '39.94127', kind: 'number' });
		expect(wholeCell(39.94127, number).text).toBe('39.94127');
	});

	it('cuts long texts, and marks what can be opened', () => {
		expect(showCell('x'.repeat(5000), text)).toEqual({ text: `${'x'.repeat(200)}…`, kind: 'long' });
		expect(showCell('two\nlines', text).kind).toBe('long');
		expect(showCell({ a: [1, null] }, nested)).toEqual({ text: '{"a":[1,null]}', kind: 'long' });
	});

	it('shows binary values by their size, and images as pictures', () => {
		expect(showCell('AAECAw==', binary)).toEqual({ text: '4 bytes', kind: 'plain' });
		expect(showCell(png, binary)).toEqual({ text: '', kind: 'long', image: `data:image/png;base64,${png}` });
		expect(showCell({ bytes: png, path: 'leaf.png' }, nested).image).toBe(`data:image/png;base64,${png}`);
		expect(showCell([{ bytes: png }], nested).text).toMatch(/^\[\{"bytes":"\d+ bytes"\}\]$/);
		expect(showCell(png, text).image, 'a text is not an image').toBeUndefined();
	});
});

describe('imageUrl', () => {
	it('recognizes images by their first bytes', () => {
		const type = (start: string) => imageUrl(btoa(start.padEnd(20, '\0')))?.split(';')[0];
		expect(['\xff\xd8\xff\xe0', 'GIF89a', 'GIF87a', 'RIFF1234WEBP', 'RIFF1234WAVE', '<svg>', '\x89PNX'].map(type)).toEqual([
			'data:image/jpeg',
			'data:image/gif',
			'data:image/gif',
			'data:image/webp',
			undefined,
			undefined,
			undefined
		]);
		for (const other of ['', 'AAAA', 'not base64, but long enough', '{"bytes":"iVBORw0KGgo"}']) expect(imageUrl(other)).toBeUndefined();
	});

	it('counts bytes', () => {
		for (const length of [0, 1, 2, 3, 100]) expect(byteLength(btoa('x'.repeat(length)))).toBe(length);
	});
});

it('reads whole cells', () => {
	expect(wholeCell({ a: 1 }, nested)).toEqual({ text: '{\n  "a": 1\n}', mono: true });
	expect(wholeCell('x'.repeat(5000), text).text).toHaveLength(5000);
	expect(wholeCell('AAECAw==', binary)).toEqual({ text: 'AAECAw==', mono: true, bytes: 4 });
	expect(wholeCell(null, text).text).toBe('');
});
