// Dataset pages show correct data; unknown URLs and expired sessions are handled.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestServer } from '../server.ts';
import { accessible, expect, PASSWORD, row, signIn, test, type Page } from '../story.ts';

const samples = join(import.meta.dirname, '../../../fixtures/datasets');

/** Creates the user ada, who can sign in, and returns a token. */
async function ada(server: TestServer): Promise<string> {
  await server.createAdministrator('ada', PASSWORD);
  return server.cli('token', 'add', 'ada', '--name', 'story');
}

async function done(server: TestServer, token: string, method: string, path: string, body?: unknown): Promise<any> {
  const answer = await server.api(method, `/api/v1${path}`, token, body);
  expect(answer.ok, `${method} ${path}: ${answer.status} ${answer.ok ? '' : await answer.text()}`).toBe(true);
  return answer.status === 204 ? null : answer.json();
}

async function put(server: TestServer, token: string, dataset: string, path: string, body: string | Buffer): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.url}/api/v1/drive/${dataset}/files/${path}`, { method: 'PUT', headers, body: new Uint8Array(Buffer.from(body)) });
  expect(answer.ok, `${path}: ${answer.status}`).toBe(true);
}

const column = (page: Page, name: string) => page.getByRole('columnheader', { name: new RegExp(`^${name} `) });

test('column summaries cover all rows; an outdated schema is updated', async ({ server, newPage }) => {
  const token = await ada(server);
  const rows = Array.from({ length: 2500 }, (_, index) => `${index},${index % 2 === 0 ? '' : 'x'}`);
  const schema = { fields: [{ name: 'id', type: 'integer', description: 'of the reading' }] };
  const resources = [{ name: 'table', path: 'table.csv', format: 'csv', schema }];
  await done(server, token, 'POST', '/datasets', { id: 'ada/air', package: { name: 'air', version: '1.0.0' } });
  await put(server, token, 'ada/air', 'readings.parquet', await readFile(join(samples, 'air-quality/data/readings.parquet')));
  await put(server, token, 'ada/air', 'table.csv', `id,mark\n${rows.join('\n')}\n`);
  await done(server, token, 'PATCH', '/datasets/ada/air', { package: { resources } });

  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/air/file/main/readings.parquet');
  await expect(column(page, 'time')).toContainText('2025-01-01 to 2025-12-31');
  await expect(column(page, 'station')).toContainText('4 distinct values');
  await page.goto('/d/ada/air/file/main/table.csv');
  await expect(column(page, 'id')).toContainText('0 to 2,499');
  await expect(column(page, 'mark')).toContainText('1 distinct value');
  await expect(column(page, 'mark')).toContainText('1,250 missing');

  await expect(page.getByText('1 column is not in the schema: “mark”.')).toBeVisible();
  await page.getByRole('button', { name: 'Update schema' }).click();
  await expect(page.getByText('does not match this file')).toHaveCount(0);
  const fields = (await done(server, token, 'GET', '/datasets/ada/air')).package.resources[0].schema.fields;
  expect(fields.map((field: { name: string }) => field.name)).toEqual(['id', 'mark']);
  expect(fields[0].description, 'the description is kept').toBe('of the reading');

  // Two releases within one second; the newer name sorts first alphabetically.
  for (const name of ['v1.9', 'v1.10']) await done(server, token, 'POST', '/datasets/ada/air/tags', { name });
  await page.goto('/d/ada/air/releases');
  await expect(page.getByRole('heading', { level: 3 }).first()).toHaveText(/^v1\.10/);
  await page.goto('/d/ada/air/about');
  const about = page.getByRole('region', { name: 'About' });
  await expect(about).toContainText('v1.10');
  await expect(about, 'labelled as the version in datapackage.json').toContainText('1.0.0 in datapackage.json');

  await test.step('tables are described after a preview of their columns', async () => {
    await put(server, token, 'ada/air', 'birds.csv', 'bird,count\nowl,1\nwren,2\n');
    const resource = async () => (await done(server, token, 'GET', '/datasets/ada/air')).package.resources.find((one: { path: string }) => one.path === 'birds.csv');
    await page.reload();
    const describe = page.getByRole('main').getByRole('button', { name: 'Describe tables' });
    const dialog = page.getByRole('dialog', { name: 'Describe tables' });
    const birds = dialog.getByRole('listitem').filter({ hasText: 'birds.csv' });
    // Reading the tables can be given up at once.
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/describe', async (route) => {
      await held;
      await route.continue();
    });
    await describe.click();
    await expect(dialog.getByRole('status').filter({ hasText: 'Reading the tables' })).toBeAttached();
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    answer();
    await page.unrouteAll({ behavior: 'wait' });
    await describe.click();
    await expect(birds).toContainText(/2 rows\s×\s2 columns ·\s+bird string, count integer/);
    await accessible(page);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await resource(), 'the preview changes nothing').toBeUndefined();
    await describe.click();
    await expect(birds).toBeVisible();
    await dialog.getByRole('button', { name: 'Add to datapackage.json' }).click();
    await expect(dialog).toHaveCount(0);
    await expect(page.getByText(/tables? described in datapackage\.json/)).toBeVisible();
    expect((await resource()).schema.fields).toMatchObject([{ name: 'bird', type: 'string' }, { name: 'count', type: 'integer' }]);
    await describe.click();
    await expect(dialog.getByText('All tables are described already.')).toBeVisible();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await test.step('a large table is converted, with its progress', async () => {
    const lines = Array.from({ length: 600_000 }, (_, index) => `${index},row ${index},${index / 7}`);
    await put(server, token, 'ada/air', 'big.csv', `id,name,share\n${lines.join('\n')}\n`);
    const newest = async () => (await done(server, token, 'GET', '/datasets/ada/air')).revision as string;
    const before = await newest();
    await page.goto('/d/ada/air/file/main/big.csv');
    const open = async () => {
      await page.getByRole('main').getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Convert to Parquet…' }).click();
    };
    const dialog = page.getByRole('dialog', { name: 'Convert to Parquet' });
    await open();
    await expect(dialog.getByLabel('New file')).toHaveValue('big.parquet');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toHaveCount(0);
    expect((await done(server, token, 'GET', '/datasets/ada/air/derivations')).items, 'nothing was started').toEqual([]);
    await open();
    await dialog.getByRole('button', { name: 'Convert', exact: true }).click();
    await expect(dialog.getByRole('progressbar', { name: 'Conversion' })).toBeVisible();
    await accessible(page);
    // It goes on without the dialog, which closes at once, and its end is announced.
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    const toast = page.getByText('Converted to big.parquet.');
    await expect(toast).toBeVisible({ timeout: 120_000 });
    expect(await newest(), 'a new version').not.toBe(before);
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await expect(page.getByText('600,000 rows, 3 columns')).toBeVisible();
    await expect(page).toHaveURL(/\/file\/main\/big\.parquet$/);
    await expect(page.getByRole('gridcell', { name: 'row 3', exact: true })).toBeVisible();
  });
});

test('an empty dataset asks for files; later it can be downloaded as an archive', async ({ server, newPage }) => {
  const token = await ada(server);
  await done(server, token, 'POST', '/datasets', { id: 'ada/owls', visibility: 'public', package: { name: 'owls', resources: [] } });
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/owls/tree/main');
  await expect(row(page, 'datapackage.json')).toBeVisible();
  await page.goto('/d/ada/owls');
  await expect(page.getByText('This dataset has no files yet')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Upload files' })).toBeVisible();
  await expect(page.getByRole('list', { name: 'First steps' }).getByRole('heading')).toHaveText(['Drop your files', 'Describe them', 'Share them']);
  await page.getByRole('list', { name: 'First steps' }).getByRole('button', { name: 'Share' }).click();
  await expect(page.getByRole('dialog', { name: 'Share “ada/owls”' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Add a README' }).click();
  await expect(page).toHaveURL(/file\/main\/README\.md/);
  // The first branch is made from the menu of branches: there is no tab for one branch.
  await page.goto('/d/ada/owls/tree/main');
  await page.getByRole('button', { name: /^Branch or tag/ }).click();
  await page.getByRole('menuitem', { name: 'New branch…' }).click();
  const branch = page.getByRole('dialog', { name: 'New branch' });
  await expect(branch.getByLabel('Start from')).toHaveValue('main');
  await branch.getByLabel('Name').fill('draft');
  await branch.getByRole('button', { name: 'Create branch' }).click();
  await expect(page.getByRole('link', { name: 'draft', exact: true })).toBeVisible();

  const readme = '---\npretty_name: Owls at night\nlicense: cc-by-4.0\ntags: [ornithology]\n---\n# Owls\n';
  await put(server, token, 'ada/owls', 'README.md', readme);
  const guest = await newPage();
  await guest.goto('/d/ada/owls');
  await expect(guest.getByRole('heading', { level: 1, name: 'Owls at night' })).toBeVisible();
  await expect(guest.getByText('This dataset has no files yet')).toHaveCount(0);
  await expect(guest.locator('header dl'), 'the licence is at the top').toContainText('cc-by-4.0');
  const download = guest.waitForEvent('download');
  await guest.getByRole('button', { name: 'Download ZIP' }).click();
  const archive = await download;
  expect(archive.suggestedFilename()).toBe('owls.zip');
  const bytes = await readFile(await archive.path());
  expect(bytes.subarray(0, 2).toString()).toBe('PK');
  expect(bytes.includes('datapackage.json') && bytes.includes('# Owls')).toBe(true);
  await guest.getByRole('navigation', { name: 'Dataset' }).getByRole('link', { name: 'About' }).click();
  const about = guest.getByRole('region', { name: 'About' });
  await expect(about).toContainText('cc-by-4.0');
  await expect(about.getByRole('link', { name: 'ornithology' })).toBeVisible();
  // A change is found once its job has run.
  await expect(async () => {
    await guest.goto('/search?license=cc-by-4.0');
    await expect(guest.getByRole('link', { name: /Owls at night/ })).toBeVisible({ timeout: 1000 });
  }).toPass();
});

test('unknown URLs show an error page, and keyboard shortcuts are listed', async ({ server, newPage }) => {
  const token = await ada(server);
  await done(server, token, 'GET', '/drive');
  await done(server, token, 'POST', '/datasets', { id: 'ada/owls', visibility: 'public', package: { name: 'owls', resources: [] } });
  const page = await newPage();
  for (const path of ['/nowhere', '/helper', '/ben', '/a/b/c', '/datasets']) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await expect(page.getByRole('heading', { name: 'Page not found' }), path).toBeVisible();
  }
  await accessible(page);
  await page.getByRole('main').getByLabel('Search datasets').fill('owls');
  await page.getByRole('main').getByRole('button', { name: 'Search' }).click();
  await expect(page.getByRole('link', { name: /owls/ })).toBeVisible();
  await page.goto('/ada');
  await expect(page.getByRole('link', { name: /owls/ })).toBeVisible();
  await expect(page.getByRole('main').getByRole('link', { name: /drive/ }), 'a drive is not listed').toHaveCount(0);
  await page.goto('/datasets/ada/owls');
  await expect(page).toHaveURL(/\/d\/ada\/owls$/);
  // The page listens to keys when it is shown.
  await expect(page.getByRole('heading', { level: 1, name: 'owls' })).toBeVisible();

  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(keys).toContainText('Search datasets');
  await accessible(page);
  await page.keyboard.press('Escape');
  await expect(keys).toHaveCount(0);
  // The first field of the sign-in page has the focus.
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(page.getByLabel('User name or e-mail')).toBeFocused();
  await page.goto('/login');
  await expect(page.getByLabel('User name or e-mail')).toBeFocused();
});

test('after the session has expired, signing in again continues the action', async ({ server, newPage }) => {
  await ada(server);
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/drive');
  const end = () => page.request.delete('/api/v1/session', { headers: { Origin: server.url } });
  const again = page.getByRole('dialog', { name: 'Your session has ended' });

  await page.getByRole('button', { name: 'New folder' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('maps of the harbour');
  await end();
  await page.keyboard.press('Enter');
  await expect(again).toBeVisible();
  await expect(again.getByLabel('Password', { exact: true })).toBeFocused();
  await accessible(page);
  await page.keyboard.type('not this one');
  await page.keyboard.press('Enter');
  await expect(again.getByRole('alert')).toBeVisible();
  await again.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(again).toHaveCount(0);
  await expect(row(page, 'maps of the harbour'), 'the folder was created').toBeVisible();

  // Without signing in again, the page shows that the user is signed out.
  await page.getByRole('button', { name: 'New folder' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('plans');
  await end();
  await page.keyboard.press('Enter');
  await again.getByRole('button', { name: 'Stay signed out' }).click();
  await expect(page.getByRole('banner').getByRole('link', { name: 'Sign in' })).toBeVisible();
  await expect(page.getByText('`')).toHaveCount(0);
});
