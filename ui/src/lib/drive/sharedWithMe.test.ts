import { expect, it } from 'vitest';
import type { Share } from '../types';
import { covering, sharedHref, sharedName } from './sharedWithMe';

const share = (path: string, right: 'view' | 'edit' = 'view', dataset = 'ada/drive', type: Share['type'] = 'folder'): Share => ({
	id: path,
	dataset,
	path,
	type,
	with: { user: 'bob' },
	right,
	password: false,
	created: '2026-01-01T00:00:00Z',
	created_by: 'ada',
	owner: 'ada'
});

it('links to the dataset, or to the shared files', () => {
	expect(sharedHref(share('', 'view', 'lab/north/birds', 'dataset'))).toBe('/d/lab%2Fnorth/birds');
	expect(sharedHref(share('a b/c'))).toBe('/shared/ada/drive/a%20b/c');
	expect([sharedHref(share('')), sharedName(share(''))]).toEqual(['/shared/ada/drive', 'Drive of ada']);
});

it('finds the share that contains a path', () => {
	const shares = [share('a'), share('a/b', 'edit'), share('x', 'edit', 'eve/drive')];
	expect(covering(shares, 'ada/drive', 'a/b/c')).toEqual({ root: 'a', right: 'edit' });
	expect(covering(shares, 'ada/drive', 'a/c')).toEqual({ root: 'a', right: 'view' });
	expect(covering(shares, 'ada/drive', 'ab')).toBeNull();
	expect(covering(shares, 'ada/drive', 'x')).toBeNull();
});
