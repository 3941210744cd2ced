import { describe, expect, it } from 'vitest';
import { isWhole, nextSort, parameters, readView, sortText, WHOLE, writeView, type TableView } from './view';

const here = new URL('https://data.example/s?path=a%2Fb.csv#token');
const again = (view: TableView) => readView(writeView(here, view).searchParams);

describe('the view in the URL', () => {
	it('is the same after it was written and read', () => {
		const views: TableView[] = [
			WHOLE,
			{ offset: 900_000, where: `"größe" > 3 AND name LIKE '%a & b#%'`, sort: [], columns: null },
			{ offset: 0, where: '', sort: [{ name: 'a,b', descending: true }, { name: '-c', descending: false }, { name: 'd "e"', descending: true }], columns: ['x', '-y', ' z', '', 'a"b,c'] }
		];
		for (const view of views) expect(again(view)).toEqual(view);
	});

	it('keeps the rest of the URL, and has no defaults', () => {
		const url = writeView(here, { ...WHOLE, where: 'a > 1' });
		expect(url.searchParams.get('path')).toBe('a/b.csv');
		expect(url.hash).toBe('#token');
		expect(writeView(url, WHOLE).href).toBe(here.href);
	});

	it('ignores what is no view', () => {
		for (const query of ['offset=-1', 'offset=x', 'offset=1.5', 'sort=', 'columns=', 'where=+']) expect(readView(new URLSearchParams(query)), query).toEqual(WHOLE);
		expect(isWhole(readView(new URLSearchParams('sort=a')))).toBe(false);
	});

	it('has the parameters of the API', () => {
		const view = readView(new URLSearchParams('offset=100&sort=day,-no2&columns=day,no2&where=no2>1'));
		expect(view.sort).toEqual([{ name: 'day', descending: false }, { name: 'no2', descending: true }]);
		expect(parameters(view)).toEqual({ offset: '100', where: 'no2>1', sort: 'day,-no2', columns: 'day,no2' });
	});
});

describe('nextSort', () => {
	const clicks = (...names: string[]) => names.reduce((sort, name) => nextSort(sort, name.replace('+', ''), name.startsWith('+')), [] as ReturnType<typeof nextSort>);

	it('sorts ascending, descending, not', () => {
		expect(['a', 'a a', 'a a a', 'a b'].map((names) => sortText(clicks(...names.split(' '))))).toEqual(['a', '-a', '', 'b']);
	});

	it('adds keys and changes them in place', () => {
		expect(['a +b', 'a +b +b', 'a +b +a', 'a +b +a +a', 'a +b b'].map((names) => sortText(clicks(...names.split(' '))))).toEqual(['a,b', 'a,-b', '-a,b', 'b', '-b']);
	});
});
