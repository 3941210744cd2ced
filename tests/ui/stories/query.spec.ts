// Queries: SQL over the tables of a dataset, at any version.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { TestServer } from '../server.ts';
import { accessible, expect, layoutShift, PASSWORD, signIn, test, type Page } from '../story.ts';

const SPECIES = ['robin', 'wren', 'great tit'];
const table = (rows: number) => `id,species,count\n${Array.from({ length: rows }, (_, id) => `${id + 1},${SPECIES[id % 3]},${id % 7}\n`).join('')}`;

/** Creates a public dataset with two versions of a table: 300 rows at `v1.0`, and 1200 rows. */
async function twoVersions(server: TestServer): Promise<void> {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const post = async (path: string, body: unknown) => {
    const answer = await server.api('POST', `/api/v1/datasets${path}`, token, body);
    expect(answer.ok, `${path}: ${await answer.clone().text()}`).toBe(true);
  };
  const put = (path: string, content: string) => ({ operation: 'put', path, content });
  await post('', { id: 'ada/birds', visibility: 'public' });
  const about = { name: 'birds', resources: [{ name: 'birds', path: 'data/birds.csv' }] };
  await post('/ada/birds/commits', { branch: 'main', message: 'First', operations: [put('data/birds.csv', table(300)), put('Nests 1.csv', 'id,Nest kind\n1,box\n'), put('datapackage.json', JSON.stringify(about))] });
  await post('/ada/birds/tags', { name: 'v1.0', description: 'First' });
  await post('/ada/birds/commits', { branch: 'main', message: 'More', operations: [put('data/birds.csv', table(1200))] });
}

const editor = (page: Page) => page.getByRole('textbox', { name: 'SQL query' });
const result = (page: Page) => page.getByRole('region', { name: 'Result' });
const cells = (page: Page) => result(page).getByRole('gridcell');
const run = (page: Page) => page.getByRole('button', { name: 'Run', exact: true });

/** Replaces the query. */
async function write(page: Page, query: string): Promise<void> {
  await editor(page).fill(query);
}

test('a query is written with completion, run, exported and shared by its URL', async ({ server, newPage }, info) => {
  await twoVersions(server);
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds');
  await page.getByRole('navigation', { name: 'Dataset' }).getByRole('link', { name: 'Query' }).click();
  await expect(page.getByText('Query the tables of this dataset')).toBeVisible();
  await expect(run(page)).toBeDisabled();
  await expect(editor(page)).toBeVisible();
  await accessible(page);

  // An example with another version.
  await page.getByRole('button', { name: 'Rows now and at v1.0' }).click();
  await expect(cells(page)).toHaveText(['1200', '300']);
  await expect(result(page).getByRole('link', { name: 'ada/birds@v1.0' })).toBeVisible();
  await page.goBack();

  // Completion of tables, columns and versions; shortcuts of pages do nothing in the editor.
  await page.goto('/d/ada/birds/query');
  await editor(page).click();
  await page.keyboard.type('SELECT ?/gh');
  await expect(editor(page)).toHaveText('SELECT ?/gh');
  await write(page, '');
  await editor(page).pressSequentially('SELECT * FROM N');
  await page.getByRole('option', { name: /^Nests 1\.csv/ }).click();
  await expect(editor(page)).toHaveText('SELECT * FROM "Nests 1.csv"');
  await editor(page).pressSequentially(' WHERE nest');
  await expect(page.getByRole('option', { name: /^Nest kind/ })).toHaveAttribute('aria-selected', 'true');
  await page.screenshot({ path: info.outputPath('completion.png') });
  // A list of completions ignores keys for 75 ms after it opens, so that they do not hit what the user has not seen.
  await page.waitForTimeout(150);
  await page.keyboard.press('Enter');
  await expect(editor(page)).toHaveText('SELECT * FROM "Nests 1.csv" WHERE "Nest kind"');
  await editor(page).pressSequentially(" = 'box");
  await page.keyboard.press('Control+Enter');
  await expect(cells(page)).toHaveText(['1', 'box']);
  await write(page, '');
  await editor(page).pressSequentially('SELECT count(*) FROM "ada/birds@v');
  await page.getByRole('option', { name: /v1\.0/ }).click();
  await page.getByRole('option', { name: /^birds/ }).click();
  await expect(editor(page)).toHaveText('SELECT count(*) FROM "ada/birds@v1.0"."birds"');
  await page.keyboard.press('Control+Enter');
  await expect(cells(page)).toHaveText(['300']);

  // Names from the list.
  await write(page, 'SELECT  FROM birds');
  for (let left = 0; left < ' FROM birds'.length; left += 1) await page.keyboard.press('ArrowLeft');
  await page.getByRole('button', { name: 'birds', exact: true }).click();
  await page.getByRole('list', { name: 'Columns of birds' }).getByRole('button', { name: /^species/ }).click();
  await expect(editor(page)).toHaveText('SELECT species FROM birds');

  // An error is shown beneath the editor, and the result stays.
  await write(page, 'SELECT specie FROM birds');
  await run(page).click();
  await expect(page.getByRole('region', { name: 'Query' }).getByRole('alert')).toContainText('specie');
  await expect(cells(page)).toHaveText(['300']);
  await accessible(page);

  // More rows than the page shows.
  await write(page, 'SELECT id, species, count\nFROM birds ORDER BY id');
  await run(page).click();
  await expect(result(page).getByText('First 1,000 rows')).toBeVisible();
  await page.getByRole('button', { name: 'Next rows' }).click();
  await expect(result(page).getByRole('rowheader', { name: '101', exact: true })).toBeVisible();
  await cells(page).first().focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'id, row 101' })).toContainText('101');
  await page.keyboard.press('Escape');
  await accessible(page);
  await page.screenshot({ path: info.outputPath('result.png') });

  // Exports have all rows; the copied command returns the same.
  const exported = async (format: string) => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('menuitem', { name: `All rows as ${format}` }).click();
    const file = await download;
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
  };
  const csv = (await exported('CSV')).bytes.toString();
  expect(csv.trim().split(/\r?\n/)).toHaveLength(1201);
  const parquet = await exported('Parquet');
  expect(parquet.name).toBe('result.parquet');
  expect(parquet.bytes.subarray(0, 4).toString()).toBe('PAR1');
  expect((await exported('Arrow')).bytes.length).toBeGreaterThan(1000);
  await page.getByRole('button', { name: 'Copy as' }).click();
  await accessible(page);
  await page.getByRole('button', { name: 'Copy commands for curl' }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { env: { ...server.settings, no_proxy: '*' } });
  expect(stdout).toBe(csv);
  await page.getByText('Python', { exact: true }).click();
  await expect(page.getByLabel('Commands for Python', { exact: true })).toContainText('pd.read_parquet');
  await page.keyboard.press('Escape');

  // The query with commit ids has the same result.
  await result(page).getByText('Query with fixed versions').click();
  await result(page).getByRole('button', { name: 'Copy query with fixed versions' }).click();
  const fixed = await page.evaluate(() => navigator.clipboard.readText());
  expect(fixed).toMatch(/"ada\/birds@[0-9a-f]{40}"/);

  // The URL shows the same query, to anyone.
  await expect(page).toHaveURL(/q=SELECT/);
  const guest = await newPage();
  await guest.goto(page.url());
  await expect(result(guest).getByText('First 1,000 rows')).toBeVisible();
  expect(await layoutShift(guest)).toBeLessThan(0.1);
  await expect(guest.getByRole('button', { name: 'Save' })).toHaveCount(0);
  await guest.emulateMedia({ colorScheme: 'dark' });
  await accessible(guest, ['color-contrast']);
  await guest.screenshot({ path: info.outputPath('dark.png') });
  await guest.setViewportSize({ width: 390, height: 800 });
  expect(await guest.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await write(guest, fixed);
  await editor(guest).press('Control+Enter');
  await expect(result(guest).getByText('First 1,000 rows')).toBeVisible();

  // Stop: the request ends, and the result before stays.
  await page.route('**/api/v1/sql', () => {
    // No response.
  });
  await write(page, 'SELECT 2 AS two');
  await run(page).click();
  const ended = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/api/v1/sql'));
  await page.getByRole('button', { name: 'Stop' }).click();
  expect((await ended).failure()?.errorText).toBe('net::ERR_ABORTED');
  await expect(run(page)).toBeVisible();
  await expect(result(page).getByText('First 1,000 rows')).toBeVisible();
  await page.unroute('**/api/v1/sql');
  await write(page, 'SELECT 1 AS one');
  await editor(page).press('Control+Enter');
  await expect(cells(page)).toHaveText(['1']);
});

test('a query is saved in the dataset and opened at an old version', async ({ server, newPage }) => {
  await twoVersions(server);
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds/query?q=SELECT%20count(*)%20AS%20n%20FROM%20birds');
  await expect(cells(page)).toHaveText(['1200']);

  await page.getByRole('button', { name: 'Save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Save query' });
  await accessible(page);
  await dialog.getByLabel('Name').fill('a/b');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await dialog.getByLabel('Name').fill('How many');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page).toHaveURL(/\?saved=queries%2FHow\+many\.sql$/);
  const saved = page.getByRole('link', { name: 'How many' });
  await expect(saved).toHaveAttribute('aria-current', 'true');

  // At the old version, in which the query was not saved yet.
  await page.getByRole('button', { name: /^Branch or tag/ }).click();
  await page.getByRole('menuitem', { name: 'v1.0' }).click();
  await expect(cells(page)).toHaveText(['300']);
  await expect(page).toHaveURL(/rev=v1\.0/);
  await page.goBack();
  await expect(cells(page)).toHaveText(['1200']);

  // Changed, replaced, and opened at a tag with its text there.
  const tag = await page.request.post('/api/v1/datasets/ada/birds/tags', { data: { name: 'v2.0', description: 'With a query' }, headers: { Origin: server.url } });
  expect(tag.ok()).toBe(true);
  await write(page, 'SELECT max(id) AS n FROM "ada/birds@v1.0".birds');
  await expect(page.getByText('How many, changed')).toBeVisible();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByLabel('Name')).toHaveValue('How many');
  await dialog.getByRole('button', { name: 'Replace' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(cells(page)).toHaveText(['300']);
  await page.goto('/d/ada/birds/query?rev=v2.0');
  await saved.click();
  await expect(editor(page)).toContainText('count(*)');
  await expect(cells(page)).toHaveText(['1200']);
  await page.goto('/d/ada/birds/history/main');
  await expect(page.getByText('Change query How many')).toBeVisible();

  // Changes between versions, from the example.
  await page.goto('/d/ada/birds/query');
  await page.getByRole('button', { name: 'Changes since v1.0' }).or(page.getByRole('button', { name: 'Changes since v2.0' })).click();
  await expect(editor(page)).toContainText('row_diff');
  await expect(page.getByRole('region', { name: 'Query' }).getByRole('alert')).toHaveCount(0);
  await expect(result(page).getByRole('status')).toContainText('rows');
});
