// Tables: the server reads their rows and statistics, in a drive, in a dataset at a revision, and behind a share link.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { TestServer } from '../server.ts';
import { accessible, expect, PASSWORD, signIn, test, type Page } from '../story.ts';

const samples = join(import.meta.dirname, '../../../fixtures/datasets');

const cell = (page: Page, name: string) => page.getByRole('gridcell', { name, exact: true });
const column = (page: Page, name: string) => page.getByRole('columnheader', { name: new RegExp(`^${name} `) });
/** A cell by its row on the page and its column, from 0. */
const cellAt = (page: Page, row: number, index: number) => page.getByRole('row').nth(row + 1).getByRole('gridcell').nth(index);
const filter = (page: Page) => page.getByLabel('Filter: an SQL condition');
const sort = (page: Page, name: string) => column(page, name).getByRole('button', { name: new RegExp(`^${name} `) });

/** Signs ada up, and returns how to write to her drive. */
async function ada(server: TestServer) {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const put = async (path: string, body: string | Uint8Array<ArrayBuffer>) => {
    const answer = await fetch(`${server.url}/api/v1/drive/ada/drive/files/${path}`, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body });
    expect(answer.ok, path).toBe(true);
    return (await answer.json()) as { revision: string };
  };
  return { token, put };
}

test('tables are shown wherever a file is shown; what is no table is shown as text', async ({ server, newPage }, info) => {
  const { token, put } = await ada(server);
  const table = (rows: number) => `\ufeffid;name;share;day\r\n${Array.from({ length: rows }, (_, index) => `${index};"row; ${index}";${index},5;2025-01-02\r\n`).join('')}`;
  const first = await put('plans/table.csv', table(3));
  await put('plans/table.csv', table(1234));
  // Unicode text as spreadsheets write it.
  const text = '\ufeffgröße\tname\n7\tan “Ada”\n';
  await put('plans/words.tsv', new Uint8Array(Buffer.from(text, 'utf16le')));
  const lines = '{"id": 9007199254740993, "tags": ["a"]}\n{"id": 2, "tags": null}\n';
  await put('plans/lines.jsonl', lines);
  await put('plans/lines.jsonl.gz', new Uint8Array(gzipSync(lines)));
  await put('plans/broken.jsonl', '{"id": 1}\nnot JSON\n');

  const previews = async (page: Page, open: (name: string) => Promise<unknown>) => {
    await open('table.csv');
    await expect(column(page, 'share')).toContainText('number');
    await expect(column(page, 'day')).toContainText('date');
    await expect(column(page, 'id'), 'statistics of all rows').toContainText('0 to 1,233');
    await expect(cell(page, 'row; 99')).toBeVisible();
    await expect(cell(page, '99.5')).toBeVisible();
    for (let clicks = 0; clicks < 12; clicks += 1) {
      await page.getByRole('button', { name: 'Next rows' }).click();
      await expect(page.getByText(`${(100 * (clicks + 1) + 1).toLocaleString('en')}–`)).toBeVisible();
    }
    await expect(cell(page, 'row; 1233')).toBeVisible();
    await expect(page.getByText('1,234 rows, 4 columns')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Next rows' })).toBeDisabled();
    await page.screenshot({ path: info.outputPath(`${new URL(page.url()).pathname.split('/')[1]}.png`) });
    await open('words.tsv');
    await expect(column(page, 'größe')).toContainText('integer');
    await expect(cell(page, 'an “Ada”')).toBeVisible();
    for (const name of ['lines.jsonl', 'lines.jsonl.gz']) {
      await open(name);
      await expect(cell(page, '9007199254740993'), 'not rounded').toBeVisible();
      await expect(cell(page, '["a"]')).toBeVisible();
    }
    await open('broken.jsonl');
    await expect(page.getByText(/(line|row) 2 is not a JSON object/)).toBeVisible();
    await expect(page.getByText('not JSON', { exact: true })).toBeVisible();
  };

  const page = await newPage();
  await signIn(page, 'ada');
  await previews(page, (name) => page.goto(`/drive/plans/${name}`));
  await previews(page, (name) => page.goto(`/d/ada/drive/file/main/plans/${name}`));
  await page.goto(`/d/ada/drive/file/${first.revision}/plans/table.csv`);
  await expect(page.getByText('3 rows, 4 columns')).toBeVisible();
  await page.getByRole('button', { name: 'Source' }).click();
  await expect(page.getByText('0;"row; 0";0,5;2025-01-02')).toBeVisible();

  const share = { path: 'plans', with: { link: true }, right: 'view' };
  const made = (await (await server.api('POST', '/api/v1/datasets/ada/drive/shares', token, share)).json()) as { url: string };
  const guest = await newPage();
  await previews(guest, async (name) => {
    await guest.goto(made.url);
    await guest.getByRole('main').getByRole('link', { name, exact: true }).click();
  });
  // The token of the link is not lost when the view changes.
  await guest.goBack();
  await guest.getByRole('main').getByRole('link', { name: 'table.csv', exact: true }).click();
  await filter(guest).fill('id >= 1230');
  await filter(guest).press('Enter');
  await expect(guest.getByText('4 matching rows')).toBeVisible();
  await guest.reload();
  await expect(guest.getByText('4 matching rows')).toBeVisible();
  const download = guest.waitForEvent('download');
  await guest.getByRole('button', { name: 'Export' }).click();
  await guest.getByRole('menuitem', { name: 'These rows as CSV' }).click();
  expect((await readFile(await (await download).path(), 'utf8')).trim().split('\n')).toHaveLength(5);
});

test('a Parquet file is filtered, sorted, paged and exported, and its URL shows the same view', async ({ server, newPage }, info) => {
  const { put } = await ada(server);
  await put('readings.parquet', new Uint8Array(await readFile(join(samples, 'air-quality/data/readings.parquet'))));
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/drive');
  await page.getByRole('main').getByRole('link', { name: 'readings.parquet', exact: true }).click();
  await expect(page.getByText('35,040 rows, 8 columns')).toBeVisible();
  await expect(column(page, 'time')).toContainText('2025-01-01 to 2025-12-31');
  await expect(column(page, 'station')).toContainText('4 distinct values');

  // Sort: ascending, descending, then a second key.
  await sort(page, 'no2').click();
  await expect(column(page, 'no2')).toHaveAttribute('aria-sort', 'ascending');
  await sort(page, 'no2').click();
  await expect(column(page, 'no2')).toHaveAttribute('aria-sort', 'descending');
  await expect(cellAt(page, 0, 2)).toHaveText('219.3');
  await sort(page, 'station').click();
  await sort(page, 'no2').click({ modifiers: ['Shift'] });
  await sort(page, 'no2').focus();
  await page.keyboard.press('Shift+Enter');
  await expect(column(page, 'station')).toHaveAttribute('aria-sort', 'ascending');
  await expect(column(page, 'no2')).toContainText('sort key 2, descending');
  await expect(cellAt(page, 0, 1)).toHaveText('AQ01');
  await expect(page).toHaveURL(/sort=station%2C-no2/);

  // Filter by a bar of the histogram, then by a value.
  await column(page, 'o3').getByRole('button', { name: /^Statistics/ }).click();
  const panel = page.getByRole('complementary', { name: 'o3' });
  await expect(panel).toContainText('Median');
  const bar = panel.getByRole('group', { name: 'Histogram of o3' }).getByRole('button').nth(9);
  const [, counted = ''] = /: ([\d,]+) rows$/.exec((await bar.getAttribute('aria-label')) ?? '') ?? [];
  await bar.click();
  await expect(filter(page)).toHaveValue(/^o3 >= [\d.]+ AND o3 < [\d.]+$/);
  await expect(page.getByText(/ matching rows/)).toBeVisible();
  await expect(bar).toHaveAttribute('aria-pressed', 'true');
  await page.screenshot({ path: info.outputPath('panel.png') });
  await accessible(page);
  const exported = async (format: string) => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('menuitem', { name: `rows as ${format}` }).click();
    const file = await download;
    const bytes = await readFile(await file.path());
    return { name: file.suggestedFilename(), bytes, lines: bytes.toString().trim().split(/\r?\n/) };
  };
  expect((await exported('CSV')).lines, 'the bar counts its rows').toHaveLength(Number(counted.replaceAll(',', '')) + 1);
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, ['color-contrast']);
  await page.emulateMedia({ colorScheme: 'light' });
  await bar.click();
  await expect(filter(page), 'another click removes it').toHaveValue('');
  await page.keyboard.press('Escape');
  await expect(panel).toHaveCount(0);
  await column(page, 'station').getByRole('button', { name: /^Statistics/ }).click();
  await page.getByRole('list', { name: 'Most frequent values of station' }).getByRole('button', { name: 'AQ03' }).click();
  await expect(filter(page)).toHaveValue("station = 'AQ03'");
  await expect(cellAt(page, 0, 1)).toHaveText('AQ03');
  const form = page.getByRole('form', { name: 'Filter by station' });
  await form.getByLabel('Condition').selectOption('contains');
  await form.getByLabel('Value').fill('q04');
  await form.getByRole('button', { name: 'Filter', exact: true }).click();
  await expect(filter(page)).toHaveValue("station ILIKE '%q04%'");
  await expect(cellAt(page, 0, 1)).toHaveText('AQ04');
  await page.getByRole('button', { name: 'Close statistics' }).click();

  // An expression with a mistake: the reason is shown, and the rows stay.
  await filter(page).fill('no3 > 20');
  await filter(page).press('Enter');
  await expect(page.getByRole('search', { name: 'Filter rows' }).getByRole('alert')).toContainText('no3');
  await expect(cellAt(page, 0, 1)).toHaveText('AQ04');
  await filter(page).fill('no2 > 20 AND temperature < 0');
  await filter(page).press('Enter');
  await expect(cellAt(page, 0, 1)).toHaveText('AQ01');

  // Columns.
  await page.getByRole('button', { name: 'Columns' }).click();
  const picker = page.getByRole('dialog', { name: 'Columns' });
  await accessible(page);
  for (const name of ['o3', 'pm10', 'pm25', 'wind']) await picker.getByLabel(name).uncheck();
  await picker.getByRole('button', { name: 'Show columns' }).click();
  // The heads move while columns go: a click would end beside the button.
  await expect(page.getByRole('columnheader')).toHaveText([/^Row/, /^time/, /^station/, /^no2/, /^temperature/]);
  await column(page, 'time').getByRole('button', { name: 'Actions for column time' }).click();
  await page.getByRole('menuitem', { name: 'Hide column' }).click();
  await expect(page.getByRole('columnheader')).toHaveText([/^Row/, /^station/, /^no2/, /^temperature/]);

  // Export: the same rows and columns.
  const csv = await exported('CSV');
  expect(csv.name).toBe('readings-rows.csv');
  const [head, ...lines] = csv.lines.map((line) => line.split(','));
  expect(head).toEqual(['station', 'no2', 'temperature']);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.filter(([, no2, temperature]) => !(Number(no2) > 20 && Number(temperature) < 0))).toEqual([]);
  expect(lines[0], 'in the same order').toEqual(await page.getByRole('row').nth(1).getByRole('gridcell').allInnerTexts());
  expect((await exported('Parquet')).bytes.subarray(0, 4).toString()).toBe('PAR1');

  // The URL shows the same view, also after the back button.
  const shown = await cellAt(page, 0, 1).innerText();
  await page.getByRole('link', { name: 'My drive' }).first().click();
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();
  await page.goBack();
  await expect(filter(page)).toHaveValue('no2 > 20 AND temperature < 0');
  await expect(cellAt(page, 0, 1)).toHaveText(shown);
  const copy = await newPage();
  await signIn(copy, 'ada');
  await copy.goto(page.url());
  await expect(cellAt(copy, 0, 1)).toHaveText(shown);
  await expect(copy.getByRole('columnheader')).toHaveCount(4);

  // Go to a row.
  await page.getByRole('button', { name: 'Show whole table' }).click();
  await expect(page.getByText('35,040 rows, 8 columns')).toBeVisible();
  const previous = page.getByRole('button', { name: 'Previous rows' });
  const place = (await previous.boundingBox())?.x;
  await page.getByLabel('Go to row').fill('34,000');
  await page.getByLabel('Go to row').press('Enter');
  await expect(page.getByRole('rowheader', { name: '34,000', exact: true })).toBeVisible();
  expect((await previous.boundingBox())?.x, 'buttons stay where they are').toBe(place);
  await expect(page).toHaveURL(/\?offset=33999$/);
  await page.getByLabel('Go to row').fill('35041');
  await page.getByLabel('Go to row').press('Enter');
  await expect(page.getByText('The last row is 35,040')).toBeVisible();
  await page.getByRole('button', { name: 'Last rows' }).click();
  await expect(page.getByText('35,001–35,040')).toBeVisible();
  await page.getByRole('button', { name: 'First rows' }).click();
  await expect(page.getByText('1–100', { exact: true })).toBeVisible();
});

test('cells are read with the keyboard and copied; images in cells are pictures', async ({ server, newPage }, info) => {
  const { put } = await ada(server);
  const long = `It's a long story. ${'And then? '.repeat(100)}`;
  const picture = await readFile(join(samples, 'leaf-scans/images/oak-01.png'));
  const rows = [
    { id: 1, story: long, place: { bytes: picture.toString('base64'), path: 'oak-01.png' } },
    { id: 2, story: null, place: null },
  ];
  await put('stories.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/drive/stories.jsonl');
  await cellAt(page, 0, 0).focus();
  await page.keyboard.press('ArrowRight');
  await expect(cellAt(page, 0, 1)).toBeFocused();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'story, row 1' });
  await expect(dialog.getByLabel('Value')).toHaveText(long.trim());
  await accessible(page);
  await dialog.getByRole('button', { name: 'Copy' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(long);
  await page.keyboard.press('Escape');
  await expect(cellAt(page, 0, 1)).toBeFocused();
  await page.keyboard.press('Control+End');
  await expect(cellAt(page, 1, 2)).toBeFocused();
  await cellAt(page, 0, 1).click();
  await dialog.getByRole('button', { name: 'Filter by this value' }).click();
  await expect(page.getByText('1 matching row,')).toBeVisible();
  const image = cellAt(page, 0, 2).getByRole('img');
  await expect.poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth)).toBeGreaterThan(0);
  await page.screenshot({ path: info.outputPath('image.png') });
});

test('without the table engine, files can still be downloaded and read as text', async ({ browser }) => {
  const server = await TestServer.start({ RUTTER_TABLES__PROGRAM: '/nowhere/rutter-tables' });
  const { put } = await ada(server);
  await put('table.csv', 'id,name\n1,owl\n');
  await put('table.parquet', 'PAR1');
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await signIn(page, 'ada');
  await page.goto('/drive/table.parquet');
  await expect(page.getByText('Tables cannot be shown at the moment')).toBeVisible();
  await accessible(page);
  const download = page.waitForEvent('download');
  await page.getByRole('main').getByRole('link', { name: 'Download' }).click();
  expect((await download).suggestedFilename()).toBe('table.parquet');
  await page.goto('/drive/table.csv');
  await page.getByRole('button', { name: 'Show as text' }).click();
  await expect(page.getByText('1,owl')).toBeVisible();
  await context.close();
  await server.close();
});
