// Using data elsewhere: programs for other tools, frames for other sites, and the help page.

import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestServer } from '../server.ts';
import { accessible, expect, PASSWORD, signIn, test, type Page } from '../story.ts';

const CSV = 'bird,count\nowl,3\n<b>tit</b>,4\n';
const HOSTILE = `it's "two" $(touch stolen) #1 50%.csv`;

async function publish(server: TestServer, visibility: 'public' | 'private'): Promise<string> {
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const done = async (path: string, body: unknown) => {
    const answer = await server.api('POST', `/api/v1${path}`, token, body);
    expect(answer.ok, await answer.clone().text()).toBe(true);
  };
  await done('/datasets', { id: 'ada/birds', visibility });
  const operations = ['birds.csv', `data/${HOSTILE}`].map((path) => ({ operation: 'put', path, content_base64: Buffer.from(CSV).toString('base64') }));
  await done('/datasets/ada/birds/commits', { branch: 'main', message: 'Count them', operations });
  await done('/datasets/ada/birds/tags', { name: 'v1.0' });
  return token;
}

const dialog = (page: Page, name: string) => page.getByRole('dialog', { name });

/** Returns what the button copies. */
async function copied(page: Page, tool: string): Promise<string> {
  await page.getByRole('dialog').getByRole('radiogroup', { name: 'Tool' }).getByText(tool, { exact: true }).click();
  await page.getByRole('button', { name: `Copy commands for ${tool.toLowerCase()}` }).click();
  return page.evaluate(() => navigator.clipboard.readText());
}

test('what a file page shows for code loads the file, also a private one with any name', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  await publish(server, 'private');
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto(`/d/ada/birds/file/v1.0/data/${encodeURIComponent(HOSTILE)}`);
  await page.getByRole('button', { name: 'Use in code' }).click();
  await accessible(page);
  const folder = await mkdtemp(join(tmpdir(), 'rutter-snippets-'));
  const code = { git: await copied(page, 'git'), curl: await copied(page, 'curl') };
  // The link leads to the form of a token for this dataset only.
  await page.getByRole('link', { name: 'create one for this dataset' }).click();
  await expect(dialog(page, 'New token').getByLabel('Dataset (optional)')).toHaveValue('ada/birds');
  await expect(dialog(page, 'New token').getByLabel('Access')).toHaveValue('read');
  await dialog(page, 'New token').getByRole('button', { name: 'Create token' }).click();
  const token = (await page.getByText(/^rut_[\w-]+$/).first().innerText()).trim();
  const env = { PATH: process.env.PATH, HOME: folder, GIT_TERMINAL_PROMPT: '0', NO_PROXY: '127.0.0.1', RUTTER_TOKEN: token };
  for (const program of Object.values(code)) execFileSync('bash', ['-e', '-c', program], { cwd: folder, env, stdio: 'pipe' });
  expect(await readFile(join(folder, HOSTILE), 'utf8'), 'by curl').toBe(CSV);
  expect(await readFile(join(folder, 'birds/data', HOSTILE), 'utf8'), 'by git').toBe(CSV);
  expect(Object.values(code).join(), 'no token in commands').not.toContain('rut_');

  // A release, and the dataset as a whole.
  await page.goto('/d/ada/birds/releases');
  await page.getByRole('button', { name: 'Use in code: v1.0' }).click();
  expect(await copied(page, 'git')).toContain('--branch v1.0');
});

test('a table of a public dataset is embedded in a page of another site', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  await publish(server, 'public');
  const page = await newPage();
  await page.goto('/d/ada/birds/file/main/birds.csv');
  await page.getByRole('button', { name: 'Export' }).click();
  await page.getByRole('menuitem', { name: 'Embed' }).click();
  await expect(dialog(page, 'Embed birds.csv').frameLocator('iframe').getByRole('cell', { name: 'owl' })).toBeVisible();
  await dialog(page, 'Embed birds.csv').getByLabel('Show').selectOption({ label: 'Chart of bird' });
  await expect(dialog(page, 'Embed birds.csv').frameLocator('iframe').getByText('<b>tit</b>')).toBeVisible();
  await dialog(page, 'Embed birds.csv').getByLabel('Show').selectOption({ label: 'The first rows' });
  await page.getByRole('button', { name: 'Copy html of the frame' }).click();
  const html = await page.evaluate(() => navigator.clipboard.readText());

  const site = createServer((_, response) => void response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>Elsewhere</title>${html}`));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const other = await newPage();
  await other.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  const frame = other.frameLocator('iframe');
  await expect(frame.getByRole('cell', { name: '<b>tit</b>' })).toBeVisible();
  const opened = other.context().waitForEvent('page');
  await frame.getByRole('link', { name: 'Open' }).click();
  await expect((await opened).getByRole('heading', { level: 1 })).toBeVisible();
  expect(other.url(), 'the page of the other site stays').toContain(`:${(site.address() as AddressInfo).port}/`);
  site.close();
});

test('the help page leads to the documentation of the API', async ({ newPage }) => {
  const page = await newPage();
  await page.goto('/');
  await page.getByRole('link', { name: 'Help' }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: 'Help' })).toBeVisible();
  await expect(page.getByText('Show keyboard shortcuts')).toBeVisible();
  await page.getByRole('link', { name: 'Documentation of the API' }).click();
  await expect(page).toHaveURL(/\/api\/docs$/);
});
