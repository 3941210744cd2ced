import { expect, test } from 'vitest';
import { kindOfFormats, pattern, samples } from './mosaic';

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

test('up to four images are shown, from all of them, and none that is large', () => {
	const image = (path: string, size = 1000) => ({ path, size, type: 'file' as const });
	expect(samples(Array.from({ length: 8 }, (_, index) => image(`${index}.png`)))).toEqual(['0.png', '2.png', '4.png', '6.png']);
	expect(samples([image('a.csv'), image('a.JPG'), image('b.png', 50_000_000)])).toEqual(['a.JPG']);
	expect(samples([])).toEqual([]);
});
