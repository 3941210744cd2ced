import { expect, it } from 'vitest';
import { diffParameters, EVERYTHING, readDiffView, toggled, writeDiffView, type DiffView } from './view';

const page = 'https://example.org/d/ada/birds/compare/v1...main?table=birds.csv';

it('a URL shows the same view', () => {
	const views: DiffView[] = [
		EVERYTHING,
		{ offset: 200, changes: ['added', 'changed'], key: ['id', 'a,b', '-c', '"'], only: true },
		{ offset: 0, changes: [], key: ['é'], only: false }
	];
	for (const view of views) {
		const url = writeDiffView(new URL(page), view);
		expect(url.searchParams.get('table')).toBe('birds.csv');
		expect(readDiffView(url.searchParams)).toEqual(view);
	}
	expect(writeDiffView(new URL(`${page}&offset=3&change=added&key=a&columns=all`), EVERYTHING).href).toBe(page);
});

it('reads what it understands', () => {
	expect(readDiffView(new URLSearchParams('offset=-1&change=removed,moved,added&key=&columns=few'))).toEqual({ ...EVERYTHING, changes: ['added', 'removed'] });
	expect(diffParameters({ ...EVERYTHING, changes: ['removed'], key: ['id', 'a b'] })).toEqual({ offset: '', change: 'removed', key: 'id,a b' });
});

it('all kinds of changes are no filter', () => {
	expect(toggled([], 'removed')).toEqual(['removed']);
	expect(toggled(['removed'], 'removed')).toEqual([]);
	expect(toggled(['changed'], 'added')).toEqual(['added', 'changed']);
	expect(toggled(['changed', 'added'], 'removed')).toEqual([]);
});
