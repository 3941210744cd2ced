import { expect, test } from 'vitest';
import type { Entry } from '$lib/types';
import { frontOf, startsWithTable } from './front';

const entry = (path: string, type: Entry['type'] = 'file'): Entry => ({ path, type, id: path, executable: false, size: 1 });

test('tables come in the order of the package, then those of other files', () => {
	const front = frontOf(
		[entry('README.md'), entry('a.csv'), entry('data', 'folder'), entry('data/readings.parquet'), entry('notes/README.md')],
		[{ name: 'readings', path: 'data/readings.parquet' }]
	);
	expect(front.tables.map(({ path }) => path)).toEqual(['data/readings.parquet', 'a.csv']);
	expect(front.readme?.path).toBe('README.md');
	expect([front.isBare, front.isGallery, front.images.length]).toEqual([false, false, 0]);
});

test('a dataset of images has a gallery; two pictures beside a table do not make one', () => {
	const scans = Array.from({ length: 30 }, (_, index) => entry(`images/leaf-${index}.png`));
	expect(frontOf([...scans, entry('labels.csv')], []).isGallery).toBe(true);
	const pictures = frontOf([entry('map.png'), entry('plot.svg'), entry('table.csv')], []);
	expect([pictures.isGallery, pictures.images.length]).toEqual([false, 0]);
	const some = frontOf([...scans.slice(0, 4), ...Array.from({ length: 9 }, (_, index) => entry(`t${index}.csv`))], []);
	expect([some.isGallery, some.images.length]).toEqual([false, 4]);
});

test('a new dataset only has the files that were created with it', () => {
	expect(frontOf([entry('datapackage.json'), entry('.gitattributes')], []).isBare).toBe(true);
	expect(frontOf([entry('datapackage.json'), entry('queries', 'folder')], []).isBare).toBe(false);
	expect(frontOf([], []).isBare).toBe(true);
});

test('a package can say that a table comes first', () => {
	expect(startsWithTable([{ name: 'a', path: 'a.csv' }])).toBe(true);
	expect(startsWithTable([{ name: 'a', path: ['a.csv', 'b.csv'] }])).toBe(true);
	expect(startsWithTable([{ name: 'a', path: 'a.png' }, { path: 'a.csv' }])).toBe(false);
	expect(startsWithTable([])).toBe(false);
});
