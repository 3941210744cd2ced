import { afterEach, expect, it, vi } from 'vitest';
import { Drive } from './client';

/** Records what is sent. */
function server(): [string, unknown][] {
	const sent: [string, unknown][] = [];
	vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
		sent.push([url, JSON.parse(String(init.body))]);
		return Promise.resolve(new Response(JSON.stringify({ revision: 'r3', entry: {} }), { status: 200 }));
	});
	return sent;
}

afterEach(() => vi.unstubAllGlobals());

it('undoes a restored version by a revert', async () => {
	const sent = server();
	const { undo } = await new Drive({ owner: 'ada', dataset: 'drive', whole: true }).restoreVersion('maps/a.csv', 'r1', 'r2');
	await undo?.();
	expect(sent).toEqual([
		['/api/v1/drive/ada/drive/versions/maps/a.csv', { revision: 'r1' }],
		['/api/v1/datasets/ada/drive/revert', { revision: 'r3' }]
	]);
});

it('undoes it without access to the whole dataset by restoring what was there', async () => {
	const sent = server();
	const { undo } = await new Drive({ owner: 'ada', dataset: 'survey' }).restoreVersion('field', 'r1', 'r2');
	await undo?.();
	expect(sent).toEqual([
		['/api/v1/drive/ada/survey/versions/field', { revision: 'r1' }],
		['/api/v1/drive/ada/survey/versions/field', { revision: 'r2' }]
	]);
});

it('makes one revision of a change, however many files there are', async () => {
	const paths = Array.from({ length: 12_000 }, (_, number) => `in/${number}.csv`);
	const sent: [string, Record<string, unknown[]>][] = [];
	vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
		if (init.method === 'GET') {
			const at = Number(new URL(url, 'http://localhost').searchParams.get('cursor') ?? 0);
			const items = paths.slice(at, at + 1000).map((path) => ({ path, id: `id ${path}` }));
			const next_cursor = at + 1000 < paths.length ? String(at + 1000) : null;
			return Promise.resolve(new Response(JSON.stringify({ items, next_cursor }), { status: 200 }));
		}
		sent.push([url, JSON.parse(String(init.body)) as Record<string, unknown[]>]);
		return Promise.resolve(new Response(JSON.stringify({ revision: 'r3' }), { status: 200 }));
	});
	const drive = new Drive({ owner: 'ada', dataset: 'drive', whole: true });
	const items = paths.map((from) => ({ from, to: `to/${from}` }));
	const moved = await drive.move(items);
	await moved.undo?.();
	await drive.copy(items);
	const deleted = await drive.delete(paths);
	await deleted.undo?.();
	const base = '/api/v1/drive/ada/drive';
	expect(sent.map(([url]) => url)).toEqual([`${base}/move`, `${base}/move`, `${base}/copy`, `${base}/delete`, `${base}/trash/restore`]);
	expect(sent.map(([, body]) => Object.values(body)[0]?.length)).toEqual([12_000, 12_000, 12_000, 12_000, 12_000]);
});

it('undoes an upload to a shared folder file by file', async () => {
	const sent = server();
	await new Drive({ owner: 'ada', dataset: 'survey' }).restoreVersions([{ path: 'field/a', revision: 'r1' }, { path: 'field/b', revision: 'r2' }]);
	expect(sent).toEqual([
		['/api/v1/drive/ada/survey/versions/field/a', { revision: 'r1' }],
		['/api/v1/drive/ada/survey/versions/field/b', { revision: 'r2' }]
	]);
});
