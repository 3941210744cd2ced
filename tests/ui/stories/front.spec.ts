// The front page of a dataset shows its data first; home continues where the user left.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestServer } from '../server.ts';
import { accessible, expect, layoutShift, PASSWORD, signIn, test, type Page } from '../story.ts';

const leaves = join(import.meta.dirname, '../../../fixtures/datasets/leaf-scans/images');

async function done(server: TestServer, token: string, method: string, path: string, body?: unknown): Promise<any> {
  const answer = await server.api(method, `/api/v1${path}`, token, body);
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  return answer.status === 204 ? null : answer.json();
}

const put = (path: string, content: string | Buffer) => ({ operation: 'put', path, content_base64: Buffer.from(content).toString('base64') });

/** Creates the user ada and her public dataset of birds with these files. */
async function birds(server: TestServer, operations: object[]): Promise<string> {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const resources = [{ name: 'counts', path: 'data/counts.csv', schema: { fields: [{ name: 'bird', type: 'string', description: 'as it is called here' }] } }];
  const description = 'Birds at the harbour, as we have counted them.';
  await done(server, token, 'POST', '/datasets', { id: 'ada/birds', visibility: 'public', package: { name: 'birds', title: 'Birds of the harbour', description, resources } });
  await done(server, token, 'POST', '/datasets/ada/birds/commits', { branch: 'main', message: 'Count them', operations });
  return token;
}

const counts = put('data/counts.csv', `bird,count\n${Array.from({ length: 250 }, (_, index) => `owl ${index},${index}`).join('\n')}\n`);
const readme = put('README.md', '# Birds\n\nCounted at dawn.\n');
const grid = (page: Page) => page.getByRole('grid');
const top = async (page: Page, name: string) => (await page.getByRole('region', { name, exact: true }).boundingBox())?.y ?? 0;

test('the first table comes before the README, and others are one click away', async ({ server, newPage }) => {
  await birds(server, [counts, readme, put('places.csv', 'place\npier\n'), put('.hidden', 'x')]);
  const page = await newPage();
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.goto('/d/ada/birds');
  await expect(page.getByRole('heading', { level: 1, name: 'Birds of the harbour' })).toBeVisible();
  await expect(grid(page).getByRole('gridcell', { name: 'owl 0' })).toBeVisible();
  await expect(page.getByText('Counted at dawn.')).toBeVisible();
  expect(await top(page, 'Data')).toBeLessThanOrEqual(190);
  expect(await top(page, 'README.md'), 'the README is below the data').toBeGreaterThan(await top(page, 'Data'));
  await expect(grid(page).getByRole('columnheader', { name: /^count / })).toContainText('0 to 249');
  const facts = page.locator('header dl');
  await expect(facts).toContainText('Rows250');
  await expect(facts).toContainText('Columns2');
  await page.waitForLoadState('networkidle');
  expect(await layoutShift(page)).toBeLessThan(0.01);
  await accessible(page);

  // The address names the table; what was filtered in the first one does not apply to it.
  await page.getByRole('textbox', { name: /^Filter/ }).fill('count > 247');
  await page.keyboard.press('Enter');
  await expect(grid(page).getByRole('gridcell', { name: /^owl/ })).toHaveCount(2);
  await expect(facts, 'the facts are about the whole table').toContainText('Rows250');
  await page.getByRole('navigation', { name: 'Tables' }).getByRole('link', { name: 'places.csv' }).click();
  await expect(grid(page).getByRole('gridcell', { name: 'pier' })).toBeVisible();
  await expect(page).toHaveURL(/\?table=places\.csv$/);
  await page.reload();
  await expect(grid(page).getByRole('gridcell', { name: 'pier' })).toBeVisible();
  await page.getByRole('region', { name: 'Data', exact: true }).getByRole('link', { name: 'Query', exact: true }).click();
  await expect(page).toHaveURL(/\/query\?q=/);

  // Files, changes and everything else that is known.
  const tab = (name: string) => page.getByRole('navigation', { name: 'Dataset' }).getByRole('link', { name });
  await expect(tab('Branches'), 'there is one branch').toHaveCount(0);
  await expect(tab('Releases')).toHaveText('Releases');
  await tab('About').click();
  await expect(page.getByRole('row', { name: /^bird string as it is called here/ })).toBeVisible();
  await expect(page.getByText('@misc{ada-birds')).toBeVisible();
  await accessible(page);
  await tab('Changes').click();
  await expect(page.getByRole('heading', { name: 'Today' })).toBeVisible();

  // One file after the other, with a button or a key.
  await tab('Files').click();
  await page.getByRole('main').getByRole('link', { name: 'README.md', exact: true }).first().click();
  await page.getByRole('link', { name: 'Next file' }).click();
  await expect(page).toHaveURL(/datapackage\.json$/);
  await expect(page.getByRole('link', { name: 'Previous file' })).toHaveAttribute('href', /README\.md$/);
  await page.keyboard.press(']');
  await expect(page).toHaveURL(/places\.csv$/);
  await expect(page.getByRole('link', { name: 'Previous file' })).toHaveAttribute('href', /datapackage\.json$/);
  await page.keyboard.press('[');
  await expect(page).toHaveURL(/datapackage\.json$/);
});

test('images are a gallery with a large view', async ({ server, newPage }) => {
  const names = (await readdir(leaves)).slice(0, 6).sort();
  const images = await Promise.all(names.map(async (name) => put(`images/${name}`, await readFile(join(leaves, name)))));
  await birds(server, [...images, put('labels.csv', 'image,species\nx.png,oak\n'), readme]);
  const page = await newPage();
  await page.goto('/d/ada/birds');
  const gallery = page.getByRole('list', { name: 'Images' });
  await expect(gallery.getByRole('listitem')).toHaveCount(6);
  await expect.poll(() => gallery.locator('img').first().evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  // Small pictures in the list, and the file itself only in the dialog.
  const shown = await gallery.locator('img').evaluateAll((all: HTMLImageElement[]) => all.map(({ src }) => new URL(src).pathname));
  expect(shown.every((path) => path.startsWith('/api/v1/datasets/ada/birds/thumbnail/'))).toBe(true);
  await accessible(page);
  await gallery.getByRole('button').nth(1).click();
  const large = page.getByRole('dialog', { name: names[1] });
  await expect(large.getByRole('img')).toBeVisible();
  expect(await large.getByRole('img').getAttribute('src')).toContain('/raw/');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('dialog', { name: names[2] })).toContainText('3 of 6');
  await page.getByRole('button', { name: 'Previous image' }).click();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('dialog', { name: names[0] })).toContainText('1 of 6');
  await accessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'labels.csv' }).first().click();
  await expect(grid(page).getByRole('gridcell', { name: 'oak' })).toBeVisible();
});

test('without the table engine the README comes first', async ({ browser }) => {
  const server = await TestServer.start({ RUTTER_TABLES__PROGRAM: '' });
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await birds(server, [counts, readme]);
  await page.goto('/d/ada/birds');
  await expect(page.getByText('Counted at dawn.')).toBeVisible();
  await expect(page.getByText('“counts” cannot be shown as a table.')).toBeVisible();
  await expect(grid(page)).toHaveCount(0);
  await accessible(page);
  await context.close();
  await server.close();
});

test('home continues where the user left, until they sign out', async ({ server, newPage }) => {
  await birds(server, [counts, readme]);
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds/file/main/README.md');
  await expect(page.getByText('Counted at dawn.')).toBeVisible();
  await page.goto('/d/ada/birds');
  await expect(grid(page)).toBeVisible();
  await page.goto('/');
  const places = page.getByRole('region', { name: 'Continue' });
  await expect(places.getByRole('link')).toHaveText([/Birds of the harbour/, /README\.md/]);
  await places.getByRole('link', { name: /README/ }).click();
  await expect(page).toHaveURL(/file\/main\/README\.md$/);

  // What happened in the dataset.
  const activity = page.getByRole('region', { name: 'Activity' });
  await expect(async () => {
    await page.goto('/');
    await expect(activity.getByRole('link', { name: 'Count them' })).toBeVisible({ timeout: 2000 });
  }).toPass();
  await expect(activity).toContainText('ada/birds');
  await page.goto('/d/ada/birds/about');
  await activity.getByRole('link', { name: 'Show all' }).click();
  await expect(page).toHaveURL(/\/d\/ada\/birds\/activity$/);
  await expect(activity.getByRole('heading', { name: 'Today' })).toBeVisible();
  await accessible(page);

  // The bar of phones.
  await page.setViewportSize({ width: 390, height: 800 });
  const bar = page.getByRole('navigation', { name: 'Places' });
  await bar.getByRole('link', { name: 'Home' }).click();
  await expect(places).toBeVisible();
  await accessible(page);
  await page.goto('/d/ada/birds');
  await bar.getByRole('link', { name: 'Upload' }).click();
  await expect(page).toHaveURL(/\/d\/ada\/birds\/upload$/);
  await page.goto('/drive');
  const chooser = page.waitForEvent('filechooser');
  await bar.getByRole('link', { name: 'Upload' }).click();
  await chooser;

  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('banner').getByRole('link', { name: 'Sign in' })).toBeVisible();
  expect(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('recent')))).toEqual([]);
});
