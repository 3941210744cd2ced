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
