// Row diffs: the rows of a table that differ between two versions, on the pages that compare versions.

import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { TestServer } from '../server.ts';
import { accessible, expect, layoutShift, PASSWORD, signIn, test, type Page } from '../story.ts';

const NOTE = 'Seen near the feeder in the early morning, together with a flock of others';

/** A table of birds, before and after a correction: 3 rows added, 2 removed, 1 + 99 changed, one column for another. */
function birds(): { before: string; after: string } {
  const before = ['id,species,count,observer,note'];
  const after = ['id,species,count,day,note'];
  for (let id = 1; id <= 300; id += 1) {
    const note = id === 7 ? `"${NOTE}"` : '';
    before.push(`${id},${id % 2 ? 'robin' : 'wren'},${id % 10},anna,${note}`);
    if (id === 50 || id === 51) continue;
    const count = id > 200 && id < 300 ? (id % 10) + 1 : id % 10;
    after.push(`${id},${id % 2 ? 'robin' : 'wren'},${count},2026-04-01,${note.replace('early morning', 'late evening')}`);
  }
  for (let id = 301; id <= 303; id += 1) after.push(`${id},starling,1,2026-04-02,`);
  return { before: `${before.join('\n')}\n`, after: `${after.join('\n')}\n` };
}

const nests = (eggs: number) => `id,eggs\n${Array.from({ length: 30 }, (_, id) => `${id},${id === 9 ? eggs : 4}\n`).join('')}`;

/** Creates a dataset with two versions: `v1.0`, and `main`. */
async function twoVersions(server: TestServer) {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const post = async (path: string, body: unknown) => {
    const answer = await server.api('POST', `/api/v1/datasets${path}`, token, body);
    expect(answer.ok, `${path}: ${await answer.clone().text()}`).toBe(true);
  };
  const { before, after } = birds();
  const put = (path: string, content: string) => ({ operation: 'put', path, content });
  const bytes = (path: string, content: Uint8Array) => ({ operation: 'put', path, content_base64: Buffer.from(content).toString('base64') });
  await post('', { id: 'ada/birds', visibility: 'public' });
  const schema = (name: string) => ({ resources: [{ name, path: name, schema: { fields: [{ name: 'id' }], primaryKey: 'id' } }] });
  await post('/ada/birds/commits', {
    branch: 'main',
    message: 'First',
    operations: [
      put('birds.csv', before),
      bytes('lines.jsonl.gz', gzipSync('{"id": 1, "a": "x"}\n{"id": 2, "a": "y"}\n')),
      put('broken.jsonl', '{"id": 1}\n'),
      put('old.csv', nests(2)),
    ],
  });
  await post('/ada/birds/tags', { name: 'v1.0', description: 'First' });
  await post('/ada/birds/commits', {
    branch: 'main',
    message: 'Corrected',
    operations: [
      put('birds.csv', after),
      bytes('lines.jsonl.gz', gzipSync('{"id": 1, "a": "x"}\n{"id": 2, "a": "z"}\n')),
      put('broken.jsonl', '{"id": 1}\nnot JSON\n'),
      { operation: 'move', from: 'old.csv', to: 'new.csv' },
      put('new.csv', nests(3)),
      put('datapackage.json', JSON.stringify(schema('new.csv'))),
    ],
  });
  return (message: string, operations: unknown[]) => post('/ada/birds/commits', { branch: 'main', message, operations });
}

/** Images of one and of two pixels. */
const [DOT, DASH] = [
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGM4Y2wMAAMBATPEwnsTAAAAAElFTkSuQmCC',
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR4nGMwTjsDRAAImALLCfIhywAAAABJRU5ErkJggg==',
];

const file = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const grid = (page: Page, name: string) => page.getByRole('grid', { name: `Changed rows of ${name}` });
const kind = (page: Page, name: RegExp) => page.getByRole('group', { name: 'Filter by kind of change' }).getByRole('button', { name });

test('a changed table shows its rows, by kind, key and column, and its URL shows the same view', async ({ server, newPage }, info) => {
  await twoVersions(server);
  const page = await newPage();
  await page.goto('/d/ada/birds/compare/v1.0...main?table=birds.csv');
  await expect(page.getByText(/300\s+301 rows/)).toBeVisible();
  await expect(kind(page, /3 added/)).toBeVisible();
  await expect(kind(page, /2 removed/)).toBeVisible();
  await expect(kind(page, /100 changed/)).toBeVisible();
  await expect(page.getByText('100 changed cells')).toBeVisible();
  await expect(page.getByRole('list', { name: 'Changed columns' }).getByRole('listitem')).toHaveText([/added: day date/, /removed: observer string/]);
  await expect(page.getByText('Without a key')).toBeVisible();
  expect(await layoutShift(page)).toBeLessThan(0.1);
  await accessible(page);
  await page.screenshot({ path: info.outputPath('row-diff.png') });

  // Changed columns come first; the old value is crossed out.
  await expect(page.getByRole('columnheader').nth(1)).toContainText('count');
  const note = grid(page, 'birds.csv').getByRole('gridcell', { name: /before: Seen.* after: Seen/ });
  await expect(note.locator('del mark')).toHaveText('early mor');
  await expect(note.locator('ins mark')).toHaveText('late eve');
  await note.click();
  const dialog = page.getByRole('dialog', { name: 'note, row 7' });
  await expect(dialog.getByLabel('Value before')).toHaveText(NOTE);
  await expect(dialog.getByLabel('Value after')).toHaveText(NOTE.replace('early morning', 'late evening'));
  await accessible(page);
  await page.keyboard.press('Escape');
  await page.getByLabel('Only changed columns').check();
  await expect(page.getByRole('columnheader')).toHaveText([/^Change/, /^count/, /^note/, /^day/, /^observer/]);

  // Filter by kind.
  await kind(page, /removed/).click();
  await expect(page.getByRole('rowheader')).toHaveText([/removed, row 50/, /removed, row 51/]);
  await kind(page, /added/).click();
  await expect(page.getByRole('rowheader')).toHaveCount(5);
  await expect(page.getByRole('gridcell', { name: '2026-04-02' }).first()).toBeVisible();
  await expect(page).toHaveURL(/change=added%2Cremoved/);
  await kind(page, /removed/).click();
  await kind(page, /added/).click();

  // Pages.
  await page.getByRole('button', { name: 'Next rows' }).click();
  await expect(page.getByText('101–105')).toBeVisible();
  await expect(page).toHaveURL(/offset=100/);

  // A key.
  await page.getByRole('button', { name: 'No key' }).click();
  const picker = page.getByRole('dialog', { name: 'Key' });
  await accessible(page);
  await expect(picker.getByLabel('day')).toHaveCount(0);
  await picker.getByLabel('id').check();
  await picker.getByRole('button', { name: 'Compare' }).click();
  await expect(page.getByText('the key that you selected')).toBeVisible();
  await expect(page.getByRole('columnheader').nth(1)).toContainText('id');
  await expect(page.getByText('1–100', { exact: true })).toBeVisible();

  // The URL shows the same view.
  await kind(page, /changed/).click();
  await expect(page).toHaveURL(/key=id/);
  const copy = await newPage();
  await copy.goto(page.url());
  await expect(copy.getByRole('button', { name: 'Key: id' })).toBeVisible();
  await expect(kind(copy, /changed/)).toHaveAttribute('aria-pressed', 'true');
  await expect(copy.getByLabel('Only changed columns')).toBeChecked();
  await copy.emulateMedia({ colorScheme: 'dark' });
  await accessible(copy, ['color-contrast']);
  await copy.screenshot({ path: info.outputPath('dark.png') });
  await copy.setViewportSize({ width: 390, height: 800 });
  expect(await copy.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);

  // Export: the changes of this kind, and all of them for daff.
  const exported = async (name: string) => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('menuitem', { name }).click();
    const file = await download;
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
  };
  const csv = await exported('These changes as CSV');
  expect(csv.name).toBe('birds-changes.csv');
  const lines = csv.text.trim().split(/\r?\n/);
  expect(lines).toHaveLength(101);
  expect(lines.slice(1).every((line) => line.startsWith('changed,'))).toBe(true);
  const daff = await exported('All changes as a patch for daff');
  expect(daff.name).toBe('birds-daff.csv');
  expect(daff.text).toMatch(/^!,.*\r?\n@@,/);

  // A key that does not exist.
  await page.goto('/d/ada/birds/compare/v1.0...main?table=birds.csv&key=nest');
  await expect(page.getByRole('alert')).toContainText('nest');
  await page.getByRole('button', { name: 'Compare without this key' }).click();
  await expect(kind(page, /100 changed/)).toBeVisible();
});

test('on a comparison, tables are compared when they are expanded, and others line by line', async ({ server, newPage }, info) => {
  const commit = await twoVersions(server);
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds/compare/v1.0...main');
  // Two small tables are expanded; in them, a file that is not valid shows its lines.
  await expect(kind(page, /100 changed/)).toBeVisible();
  await expect(page.getByText('The rows cannot be compared')).toContainText('2');
  await expect(page.getByRole('region', { name: 'Changes in broken.jsonl' })).toContainText('not JSON');
  await accessible(page);
  await page.screenshot({ path: info.outputPath('comparison.png'), fullPage: true });

  // A compressed file has no lines, but rows.
  await expect(file(page, 'lines.jsonl.gz')).toHaveAttribute('aria-expanded', 'false');
  await file(page, 'lines.jsonl.gz').click();
  await expect(grid(page, 'lines.jsonl.gz').getByRole('gridcell', { name: 'before: y , after: z' })).toBeVisible();

  // A renamed table is compared with its old name, by the primary key of its schema.
  const renamed = page.getByRole('button', { name: /new\.csv$/ });
  await renamed.click();
  await expect(page.getByText('primary key of the schema')).toBeVisible();
  await expect(grid(page, 'new.csv').getByRole('gridcell', { name: 'before: 2 , after: 3' })).toBeVisible();

  // Lines on request, and back.
  await page.getByRole('button', { name: 'Show lines' }).first().click();
  await expect(page.getByRole('region', { name: 'Changes in birds.csv' })).toContainText('starling');
  await page.getByRole('button', { name: 'Show rows' }).click();
  await expect(kind(page, /100 changed/)).toBeVisible();
  await page.getByRole('link', { name: 'Compare only this table' }).first().click();
  await expect(page).toHaveURL(/table=birds\.csv/);
  await expect(page.getByRole('link', { name: 'All changes' })).toBeVisible();

  // The same on the page of a revision.
  await page.goto('/d/ada/birds/history/main');
  await page.getByRole('main').getByRole('link', { name: 'Corrected' }).click();
  await expect(kind(page, /100 changed/)).toBeVisible();

  // Both versions of an image are beside each other; of a new one there is one.
  const image = (path: string, content: string) => ({ operation: 'put', path, content_base64: content });
  await commit('Images', [image('logo.png', DOT)]);
  await commit('Wider', [image('logo.png', DASH), image('other.png', DOT)]);
  await page.goto('/d/ada/birds/history/main');
  await page.getByRole('main').getByRole('link', { name: 'Wider' }).click();
  await expect(page.getByRole('figure').filter({ has: page.getByRole('img', { name: 'logo.png, Before' }) })).toContainText('1 × 1 px');
  await expect(page.getByRole('figure').filter({ has: page.getByRole('img', { name: 'logo.png, After' }) })).toContainText('2 × 1 px');
  await expect(page.getByRole('img', { name: 'other.png, After' })).toBeVisible();
  await expect(page.getByRole('img', { name: 'other.png, Before' })).toHaveCount(0);
});

test('a long comparison shows its progress, and can be cancelled', async ({ server, newPage }) => {
  await twoVersions(server);
  const page = await newPage();
  let asked = 0;
  await page.route(/\/diff\/rows/, async (route) => {
    asked += 1;
    // The server responds like this after some seconds.
    if (asked < 3) await route.fulfill({ status: 202, headers: { 'retry-after': '1' }, json: { state: 'running', progress: asked / 4 } });
    else if (asked === 3) await route.continue();
    else await route.fulfill({ status: 202, headers: { 'retry-after': '1' }, json: { state: 'running', progress: 0.1 } });
  });
  await page.goto('/d/ada/birds/compare/v1.0...main?table=birds.csv');
  await expect(page.getByText('Comparing rows: 25%')).toBeVisible();
  await accessible(page);
  await expect(page.getByText('Comparing rows: 50%')).toBeVisible();
  await expect(kind(page, /100 changed/)).toBeVisible();
  await page.reload();
  await expect(page.getByText('Comparing rows: 10%')).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(file(page, 'birds.csv')).toHaveAttribute('aria-expanded', 'false');
  const before = asked;
  await page.waitForTimeout(2500);
  expect(asked, 'no more requests').toBe(before);
});

test('without the table engine, comparisons show lines', async ({ browser }) => {
  const server = await TestServer.start({ RUTTER_TABLES__PROGRAM: '/nowhere/rutter-tables' });
  await twoVersions(server);
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await page.goto('/d/ada/birds/compare/v1.0...main?table=birds.csv');
  await expect(page.getByText('The rows cannot be compared')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Changes in birds.csv' })).toContainText('starling');
  await context.close();
  await server.close();
});
