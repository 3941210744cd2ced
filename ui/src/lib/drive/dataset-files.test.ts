import { afterEach, expect, it, vi } from 'vitest';
import { DatasetFiles } from './dataset-files';

interface Sent {
	url: string;
	body: Record<string, unknown>;
}

/** Answers listings with these names, and records what is sent. */
function server(names: string[] = []): Sent[] {
	const sent: Sent[] = [];
	vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
		if (init.method === 'GET') {
			const items = names.map((path) => ({ path, type: 'file', size: 1, id: '0', executable: false }));
			return Promise.resolve(new Response(JSON.stringify({ items }), { status: 200 }));
		}
		sent.push({ url, body: JSON.parse(String(init.body)) as Record<string, unknown> });
		return Promise.resolve(new Response(JSON.stringify({ revision: 'r2' }), { status: 201 }));
	});
	return sent;
}

afterEach(() => vi.unstubAllGlobals());

const files = () => new DatasetFiles({ owner: 'ada', dataset: 'birds', whole: true }, { name: 'draft', revision: 'r1', isBranch: true, isDefault: false });
const move = (from: string, to: string) => ({ operation: 'move', from, to });

it('moves many files as one commit to the branch that is shown', async () => {
	const sent = server(['in/a', 'in/b', 'in/c']);
	const done = await files().move([{ from: 'in/a', to: 'a' }, { from: 'in/b', to: 'b', replace: true }]);
	expect(sent).toHaveLength(1);
	expect(sent[0]?.url).toBe('/api/v1/datasets/ada/birds/commits');
	expect(sent[0]?.body).toMatchObject({ branch: 'draft', parent: 'r1', operations: [{ operation: 'delete', path: 'b' }, move('in/a', 'a'), move('in/b', 'b')] });
	// What was replaced comes back only by a revert.
	await done.undo?.();
	expect(sent[1]?.url).toBe('/api/v1/datasets/ada/birds/revert');
	expect(sent[1]?.body).toEqual({ revision: 'r2', branch: 'draft' });
});

it('undoes moves by moving back, whatever was committed since', async () => {
	const sent = server(['in/a', 'in/b']);
	const done = await files().move([{ from: 'in/a', to: 'a' }]);
	await done.undo?.();
	expect(sent[1]?.body).toMatchObject({ branch: 'draft', operations: [move('a', 'in/a')] });
	expect(sent[1]?.body.parent).toBeUndefined();
});

it('keeps a folder from which everything is removed', async () => {
	const sent = server(['in/a', 'in/.keep']);
	await files().delete(['in/a']);
	expect(sent[0]?.body.operations).toEqual([{ operation: 'delete', path: 'in/a' }, { operation: 'put', path: 'in/.keep', content: '' }]);
	expect((await files().list('in')).items.map(({ name }) => name)).toEqual(['a']);
	// Not if something is moved into it, and not the top folder.
	await files().move([{ from: 'in/a', to: 'in/b' }]);
	expect(sent[1]?.body.operations).toEqual([move('in/a', 'in/b')]);
	await files().delete(['a']);
	expect(sent[2]?.body.operations).toHaveLength(1);
});

it('keeps a folder of several pages from which everything is removed', async () => {
	const names = Array.from({ length: 2500 }, (_, number) => `in/${number}`);
	const sent: Record<string, unknown[]>[] = [];
	vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
		if (init.method === 'GET') {
			const at = Number(new URL(url, 'http://localhost').searchParams.get('cursor') ?? 0);
			const items = names.slice(at, at + 1000).map((path) => ({ path, type: 'file', size: 1, id: '0', executable: false }));
			return Promise.resolve(new Response(JSON.stringify({ items, next_cursor: at + 1000 < names.length ? String(at + 1000) : null }), { status: 200 }));
		}
		sent.push(JSON.parse(String(init.body)) as Record<string, unknown[]>);
		return Promise.resolve(new Response(JSON.stringify({ revision: 'r2' }), { status: 201 }));
	});
	await files().delete(names);
	await files().delete(names.slice(1));
	expect(sent.map((body) => body.operations?.length)).toEqual([2501, 2499]);
});

it('restores several entries of a tag as one commit to a branch', async () => {
	const sent = server(['in/a', 'in/b']);
	const tag = new DatasetFiles({ owner: 'ada', dataset: 'birds', whole: true }, { name: 'v1.0', revision: 'v1.0', isBranch: false, isDefault: false });
	await tag.restoreTo(files(), ['in/a', 'in/gone']);
	const copy = (path: string) => ({ operation: 'copy', from: path, to: path, revision: 'v1.0' });
	expect(sent[0]?.body).toMatchObject({ branch: 'draft', parent: 'r1', operations: [{ operation: 'delete', path: 'in/a' }, copy('in/a'), copy('in/gone')] });
});
