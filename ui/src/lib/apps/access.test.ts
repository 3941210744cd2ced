import { expect, test } from 'vitest';
import type { AppPath, ConnectedApp, InstalledApp } from '../types';
import { accessTo, fileApps } from './access';

const path = (dataset: string, path: string, right: AppPath['right'] = 'view'): AppPath => ({ dataset, path, right });

test('an app has an item itself, or by a folder above it', () => {
	const paths = [path('ada/drive', 'plans/a.csv', 'edit'), path('ada/drive', 'plans'), path('ada/birds', '')];
	expect(accessTo(paths, 'ada/drive', 'plans/a.csv')).toEqual({ own: 'edit', above: paths[1] });
	expect(accessTo(paths, 'ada/drive', 'plans/b.csv')).toEqual({ own: null, above: paths[1] });
	expect(accessTo(paths, 'ada/drive', 'plans')).toEqual({ own: 'view', above: null });
	expect(accessTo(paths, 'ada/drive', '')).toEqual({ own: null, above: null });
	expect(accessTo(paths, 'ada/birds', 'x/y.csv').above).toEqual(paths[2]);
	// A name that only begins alike is another folder.
	expect(accessTo(paths, 'ada/drive', 'plans-2027')).toEqual({ own: null, above: null });
});

test('of several folders above, the one with the most rights counts', () => {
	const paths = [path('ada/drive', ''), path('ada/drive', 'plans', 'edit')];
	expect(accessTo(paths, 'ada/drive', 'plans/a.csv').above).toEqual(paths[1]);
});

test('installed apps come first, then other applications with files', () => {
	const app = { title: 'Notes', owner: 'ada', name: 'notes', client: 'c1', kind: 'container', wanted: 'running' } as InstalledApp;
	const consent = { client: 'c1', name: 'Notes', owner: 'ada', scopes: ['openid', 'files'], paths: [], resources: [], changed: '' } as ConnectedApp;
	const other = { ...consent, client: 'c2', name: 'Plots', owner: 'ben' };
	const without = { ...consent, client: 'c3', name: 'Chat', scopes: ['openid'] };
	const list = fileApps([app, { ...app, client: null }], [other, without, consent]);
	expect(list.map(({ client, title, about }) => [client, title, about])).toEqual([
		['c1', 'Notes', 'ada/notes'],
		['c2', 'Plots', 'of ben']
	]);
	expect(list[0]).toMatchObject({ installed: app, consent });
	expect(fileApps([app], [])[0]?.consent).toBeNull();
	const elsewhere = { ...app, kind: 'external' as const };
	expect(fileApps([elsewhere], [])).toEqual([]);
	expect(fileApps([elsewhere], [consent])).toHaveLength(1);
});
