import { expect, it } from 'vitest';
import { Existing, replacedFiles, settleMove, settleUpload, takenItems, uploadProblem } from './clashes';

const existing = new Existing();
for (const path of ['a.csv', 'a (2).csv', 'in/b.csv', 'c']) existing.add({ path, type: 'file' });
for (const path of ['in', 'maps']) existing.add({ path, type: 'folder' });
const files = ['a.csv', 'in/b.csv', 'new.csv'].map((path) => ({ path }));
const paths = (list: { path: string }[]) => list.map(({ path }) => path);

it('finds what an upload replaces', () => {
	expect(replacedFiles(files, existing)).toEqual(['a.csv', 'in/b.csv']);
	expect(paths(settleUpload(files, existing, 'replace'))).toEqual(['a.csv', 'in/b.csv', 'new.csv']);
	expect(paths(settleUpload(files, existing, 'skip'))).toEqual(['new.csv']);
	expect(paths(settleUpload(files, existing, 'both'))).toEqual(['a (3).csv', 'in/b (2).csv', 'new.csv']);
	// Also not the name of another file of the same upload.
	const two = [{ path: 'in/b.csv' }, { path: 'in/b (2).csv' }];
	expect(paths(settleUpload(two, existing, 'both'))).toEqual(['in/b (3).csv', 'in/b (2).csv']);
});

it('knows what was there before an upload, or offers nothing', () => {
	const known = new Existing();
	known.add({ path: 'a', type: 'file', revision: 'r1' });
	known.add({ path: 'b', type: 'file', revision: 'r2' });
	known.add({ path: 'c', type: 'file', revision: null });
	expect(known.versions(['b', 'a'])).toEqual([{ path: 'b', revision: 'r2' }, { path: 'a', revision: 'r1' }]);
	expect(known.versions([])).toEqual([]);
	// Changed longer ago than the server looks.
	expect(known.versions(['a', 'c'])).toBeNull();
});

it('refuses a file in the place of a folder and the reverse', () => {
	expect(uploadProblem('maps', existing)).toContain('folder');
	expect(uploadProblem('c/d.csv', existing)).toContain('“c” is a file');
	expect(uploadProblem('in/b.csv', existing)).toBeNull();
	expect(uploadProblem('x/y.csv', existing)).toBeNull();
});

it('settles moves and copies', () => {
	const taken = new Set(['a.csv', 'maps']);
	const items = [
		{ from: 'x/a.csv', to: 'a.csv' },
		{ from: 'y/a.csv', to: 'a.csv' },
		{ from: 'x/b.csv', to: 'b.csv' }
	];
	expect(takenItems(items, taken)).toHaveLength(2);
	expect(settleMove(items, taken, 'skip')).toEqual([items[2]]);
	expect(settleMove(items, taken, 'both').map(({ to }) => to)).toEqual(['a (2).csv', 'a (3).csv', 'b.csv']);
	expect(settleMove(items.slice(0, 1), taken, 'replace')).toEqual([{ from: 'x/a.csv', to: 'a.csv', replace: true }]);
	expect(settleMove(items, taken, 'replace').map(({ to }) => to)).toEqual(['a.csv', 'a (2).csv', 'b.csv']);
	// A copy in the same folder is a duplicate, whatever the choice.
	expect(settleMove([{ from: 'maps', to: 'maps' }], taken, 'replace')).toEqual([{ from: 'maps', to: 'maps (2)' }]);
	expect(takenItems([{ from: 'maps', to: 'maps' }], taken)).toEqual([]);
});
