import { expect, test } from 'vitest';
import { kindOfFormats, pattern } from './mosaic';

test('images come before the table of their labels', () => {
	expect(kindOfFormats(['csv', 'png'])).toBe('image');
	expect(kindOfFormats(['parquet', 'json'])).toBe('table');
	expect(kindOfFormats(['geojson', 'csv'])).toBe('map');
	expect(kindOfFormats(['wav'])).toBe('sound');
	expect(kindOfFormats([])).toBe('files');
});

test('a name has one pattern, and other names have others', () => {
	expect(pattern('ada/birds', 16)).toEqual(pattern('ada/birds', 16));
	expect(pattern('ada/birds', 16)).not.toEqual(pattern('ada/owls', 16));
	expect(new Set(pattern('', 64))).toEqual(new Set([0, 1, 2, 3]));
});
