import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type World, world } from './world.js';

/* What the page has; see world.ts. */
declare const sdk: typeof import('../../src/lib/upload.js');
declare const files: () => File[];
declare const events: import('../../src/lib/upload.js').UploadEvent[];
declare const watch: (event: import('../../src/lib/upload.js').UploadEvent) => void;
interface Outcome {
	result?: import('../../src/lib/upload.js').UploadResult;
	error?: { name: string; code: string; message: string; status?: number; file?: string };
}
declare const outcome: (done: Promise<unknown>) => Promise<Outcome>;

let here: World;
beforeAll(async () => {
	here = await world();
});
afterAll(() => here?.end());

/** What every page is told about where to send. */
const target = (dataset: string, token = here.token) => ({ server: here.server, dataset, token });

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('small files become one revision: texts in git, the rest in Git LFS', async () => {
	const dataset = await here.dataset('small');
	const page = await here.page();
	const { result } = await page.evaluate(async (target) => {
		const uploader = new sdk.Uploader(target);
		const items = [
			{ path: 'README.md', file: new File(['# Birds ☂\n'], 'README.md') },
			{ path: 'data/empty', file: new File([], 'empty') },
			{ path: 'data/a.bin', file: new File([new Uint8Array([0, 1, 2, 255])], 'a.bin') },
			{ path: 'data/same.bin', file: new File([new Uint8Array([0, 1, 2, 255])], 'same.bin') }
		];
		return outcome(uploader.upload(items, { message: 'First counts', onProgress: watch }).done);
	}, target(dataset));
	expect(result?.revision).toMatch(/^[0-9a-f]{40}$/);
	const oid = createHash('sha256').update(Buffer.from([0, 1, 2, 255])).digest('hex');
	expect(result?.files).toEqual([
		{ path: 'README.md', size: 12, oid: null, stored: false },
		{ path: 'data/empty', size: 0, oid: null, stored: false },
		{ path: 'data/a.bin', size: 4, oid, stored: false },
		{ path: 'data/same.bin', size: 4, oid, stored: true }
	]);
	const raw = await here.api(`/api/v1/datasets/${dataset}/raw/main/README.md`);
	expect(await raw.text()).toBe('# Birds ☂\n');
	const bytes = await here.api(`/api/v1/datasets/${dataset}/raw/main/data/same.bin`);
	expect(Buffer.from(await bytes.arrayBuffer())).toEqual(Buffer.from([0, 1, 2, 255]));
	const revision = (await (await here.api(`/api/v1/datasets/${dataset}/revisions/main`)).json()) as { description: string };
	expect(revision.description.trim()).toBe('First counts');
	const phases = await page.evaluate(() => events.filter(({ file }) => file === 'data/a.bin').map(({ phase }) => phase));
	expect([...new Set(phases)]).toEqual(['hashing', 'sending', 'verifying', 'done']);
	expect(page.problems).toEqual([]);
});
void sha256;
