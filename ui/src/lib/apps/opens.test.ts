import { expect, test } from 'vitest';
import type { InstalledApp } from '../types';
import { opens, openersOf } from './opens';

const file = (name: string, media?: string) => ({ name, isFile: true, media });
const folder = (name: string) => ({ name, isFile: false });

test('files are opened by extension, whatever its case', () => {
	expect(opens(['.csv'], file('Prices.CSV'))).toBe(true);
	expect(opens(['.CSV'], file('prices.csv'))).toBe(true);
	expect(opens(['.tar.gz'], file('a.tar.gz'))).toBe(true);
	expect(opens(['.gz'], file('a.tar.gz'))).toBe(true);
	expect(opens(['.csv'], file('csv'))).toBe(false);
	expect(opens(['.csv'], file('a.csv.zip'))).toBe(false);
	expect(opens([], file('a.csv'))).toBe(false);
});

test('files are opened by media type: that of the server, else that of the extension', () => {
	expect(opens(['text/csv'], file('prices', 'text/csv'))).toBe(true);
	expect(opens(['text/csv'], file('prices', 'text/csv; charset=utf-8'))).toBe(true);
	expect(opens(['Text/CSV'], file('prices.csv'))).toBe(true);
	expect(opens(['text/csv'], file('prices.csv', 'text/plain'))).toBe(false);
	expect(opens(['image/png'], file('plot.jpg'))).toBe(false);
	expect(opens(['text/csv'], file('nothing'))).toBe(false);
});

test('folders and datasets are opened only by apps that say so', () => {
	expect(opens(['inode/directory'], folder('data'))).toBe(true);
	expect(opens(['.csv', 'text/csv'], folder('data.csv'))).toBe(false);
	expect(opens(['inode/directory'], file('data'))).toBe(false);
});

test('apps without a client, and those that are being removed, open nothing', () => {
	const app = { title: 'Notes', opens: ['.csv'], client: 'c', wanted: 'running' } as InstalledApp;
	const apps = [app, { ...app, client: null }, { ...app, wanted: 'removed' as const }, { ...app, opens: ['.md'] }];
	expect(openersOf(apps, file('a.csv'))).toEqual([app]);
});
