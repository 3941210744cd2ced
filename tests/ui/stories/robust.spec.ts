// What pages do without a network, a server or a session, with unsaved changes, and in two tabs.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestServer } from '../server.ts';
import { accessible, expect, PASSWORD, row, signIn, test, uploads, type Page } from '../story.ts';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const notice = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text });
const ended = (page: Page) => page.getByRole('dialog', { name: 'Your session has ended' });
const leaving = (page: Page) => page.getByRole('dialog', { name: 'Leave without saving?' });

/** Creates ada, who can sign in, with two folders in her drive and a dataset. */
async function begin(server: TestServer) {
  const { token } = await server.createUser('ada', PASSWORD);
  const api = async (method: string, path: string, body?: unknown) => {
    const answer = await server.api(method, `/api/v1${path}`, token, body);
    expect(answer.ok, `${method} ${path}: ${answer.ok ? '' : await answer.text()}`).toBe(true);
    return answer;
  };
  for (const path of ['maps', 'maps/coast', 'plans']) await api('POST', '/drive/ada/drive/folders', { path });
  await api('POST', '/datasets', { id: 'ada/birds', visibility: 'public' });
  await api('POST', '/datasets/ada/birds/commits', { message: 'Notes', operations: [{ operation: 'put', path: 'notes.md', content: 'one\n' }] });
  return { token, api };
}

const endSession = (server: TestServer, page: Page) => page.request.delete('/api/v1/session', { headers: { Origin: server.url } });

/** Marks the document, to see whether it was loaded again. */
const mark = (page: Page) => page.evaluate(() => void Object.assign(window, { marked: true }));
const isMarked = (page: Page) => page.evaluate(() => 'marked' in window);

test('offline and back: reads are repeated, and uploads go on', async ({ server, newPage }) => {
  const files = await mkdtemp(join(tmpdir(), 'rutter-ui-files-'));
  await begin(server);
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/drive');
  await expect(row(page, 'maps')).toBeVisible();

  await test.step('a list that could not be read is read when the network is back', async () => {
    await page.context().setOffline(true);
    await expect(notice(page, 'You are offline.')).toBeVisible();
    await accessible(page);
    await row(page, 'maps').click();
    const problem = page.getByRole('alert').filter({ hasText: 'Cannot reach the server' });
    await expect(problem).toBeVisible();
    await button(page, 'Try again').click();
    await expect(problem).toBeVisible();
    await page.context().setOffline(false);
    await expect(row(page, 'coast')).toBeVisible();
    await expect(notice(page, 'You are offline.')).toHaveCount(0);
    await expect(notice(page, 'Connected again.')).toBeVisible();
  });

  await test.step('a dialog whose script could not be loaded opens when the network is back', async () => {
    await page.context().setOffline(true);
    await page.keyboard.press('?');
    await expect(notice(page, 'You are offline.')).toBeVisible();
    await page.context().setOffline(false);
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    await page.keyboard.press('Escape');
  });

  await test.step('an upload waits for the network, and goes on', async () => {
    const file = join(files, 'depths.csv');
    await writeFile(file, 'depth\n1\n');
    // The network is lost between reading the folder and the first request of the upload.
    await page.route('**/preupload/**', async (route) => {
      await page.context().setOffline(true);
      await route.abort('internetdisconnected');
    });
    await page.getByLabel('Files to upload').setInputFiles(file);
    await expect(uploads(page).getByText('Waiting for the network…')).toBeVisible();
    await page.unroute('**/preupload/**');
    await page.context().setOffline(false);
    await expect(uploads(page).getByText(/^Done/)).toBeVisible();
    await expect(row(page, 'depths.csv')).toBeVisible();
  });
  await rm(files, { recursive: true });
});

test('a server that is away, or behind a proxy that answers for it: no page stays empty', async ({ server, newPage }) => {
  await begin(server);
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/drive');
  await expect(row(page, 'maps')).toBeVisible();

  await test.step('a server that is not running: the page says so, keeps input, and goes on when it is back', async () => {
    await server.down();
    await button(page, 'New folder').click();
    await page.getByRole('dialog').getByLabel('Name').fill('charts');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Cannot reach the server');
    await expect(notice(page, 'The server cannot be reached. Trying again…')).toBeVisible();
    await expect(page.getByRole('dialog').getByLabel('Name')).toHaveValue('charts');
    await page.keyboard.press('Escape');
    await row(page, 'maps').click();
    await expect(button(page, 'Try again')).toBeVisible();
    await server.up();
    await expect(row(page, 'coast')).toBeVisible();
    await expect(notice(page, 'The server cannot be reached.')).toHaveCount(0);
  });

  await test.step('a proxy answers for the server', async () => {
    await page.route('**/api/**', (route) => route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>502 Bad Gateway</h1>' }));
    const pages = ['/drive', '/shared', '/trash', '/account', '/search', '/d/ada/birds', '/d/ada/birds/history/main', '/apps', '/account/notifications', '/'];
    for (const path of pages) {
      await page.goto(path);
      await expect(page.getByRole('alert').filter({ hasText: 'temporarily unavailable' }).first(), path).toBeVisible();
      await expect(button(page, 'Try again').first(), path).toBeVisible();
    }
    await page.unroute('**/api/**');
    await button(page, 'Try again').first().click();
    await expect(page.getByRole('button', { name: 'Account of ada' })).toBeVisible();
  });
});

test('a server that was updated: scripts of the old pages are gone', async ({ server, newPage }) => {
  await begin(server);
  const page = await newPage();
  await signIn(page, 'ada');

  await test.step('what is loaded later asks to reload the page', async () => {
    await page.goto('/drive');
    await expect(row(page, 'maps')).toBeVisible();
    await mark(page);
    const [version, scripts] = ['**/_app/version.json', '**/_app/immutable/**'];
    await page.route(version, (route) => route.fulfill({ json: { version: 'next' } }));
    await page.route(scripts, (route) => route.fulfill({ status: 404, body: '' }));
    await page.keyboard.press('?');
    await expect(notice(page, 'rutter was updated. Reload the page to go on.')).toBeVisible();
    await page.unroute(scripts);
    await page.unroute(version);
    await button(page, 'Reload').click();
    await expect(row(page, 'maps')).toBeVisible();
    expect(await isMarked(page)).toBe(false);
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    await page.keyboard.press('Escape');

    // Another page is loaded as a whole then.
    await mark(page);
    await page.route(version, (route) => route.fulfill({ json: { version: 'next' } }));
    await page.route(scripts, (route) => route.fulfill({ status: 404, body: '' }), { times: 1 });
    await page.getByRole('navigation', { name: 'Drive' }).getByRole('link', { name: 'Trash' }).click();
    await expect(page.getByRole('heading', { name: 'Trash' })).toBeVisible();
    expect(await isMarked(page)).toBe(false);
    await page.unroute(version);
  });

  await test.step('the scripts of the page cannot be loaded at all', async () => {
    // The first script, which says so, is loaded with the document.
    const scripts = /\/_app\/immutable\/(?!first\.).*\.js$/;
    await page.route(scripts, (route) => route.abort('connectionrefused'));
    await page.goto('/trash');
    await expect(page.getByRole('heading', { name: 'rutter could not be loaded' })).toBeVisible();
    await page.unroute(scripts);
    await button(page, 'Try again').click();
    await expect(page.getByRole('heading', { name: 'Trash' })).toBeVisible();
  });
});

test('a session that has ended: reads and writes go on after signing in, and nothing typed is lost', async ({ server, newPage }) => {
  const { api } = await begin(server);
  const page = await newPage();
  const again = async (name = PASSWORD) => {
    await ended(page).getByLabel('Password', { exact: true }).fill(name);
    await page.keyboard.press('Enter');
    await expect(ended(page)).toHaveCount(0);
  };

  await test.step('visitors who were never signed in are not asked', async () => {
    const guest = await newPage();
    await guest.goto('/d/ada/birds/tree/main');
    await expect(row(guest, 'notes.md')).toBeVisible();
    await guest.route('**/discussions?**', (route) => route.fulfill({ status: 401, json: { code: 'unauthorized', detail: 'sign in' } }));
    await guest.getByRole('link', { name: 'Discussions' }).click();
    await expect(guest.getByRole('alert').filter({ hasText: 'Sign in' }).first()).toBeVisible();
    await expect(ended(guest)).toHaveCount(0);
  });

  await signIn(page, 'ada');
  await test.step('a folder that is opened then', async () => {
    await page.goto('/drive');
    await expect(row(page, 'maps')).toBeVisible();
    await mark(page);
    await endSession(server, page);
    await row(page, 'maps').click();
    await expect(ended(page)).toContainText('Sign in again to go on. What you typed is kept.');
    await accessible(page);
    await again();
    await expect(row(page, 'coast')).toBeVisible();
    expect(await isMarked(page), 'the page was not loaded again').toBe(true);
  });

  await test.step('the data card and the settings of a dataset', async () => {
    await page.goto('/d/ada/birds/card');
    const title = page.getByRole('region', { name: 'About' }).getByLabel('Title');
    await title.fill('Birds of the bay');
    await endSession(server, page);
    await button(page, 'Save').click();
    await expect(ended(page)).toBeVisible();
    await again();
    await expect(page.getByText('Data card saved.')).toBeVisible();
    await expect(page.getByRole('heading', { level: 1, name: 'Birds of the bay' })).toBeVisible();
    await page.goto('/d/ada/birds/settings');
    await page.getByLabel('Branches and tags').fill('release/*');
    await endSession(server, page);
    await page.getByRole('main').getByRole('button', { name: 'Save' }).last().click();
    await again();
    await expect(page.getByText('Protection updated.')).toBeVisible();
    expect(await (await api('GET', '/datasets/ada/birds/protection')).json()).toMatchObject({ patterns: ['refs/heads/release/*'] });
  });
});

test('signing out and in with another tab is noticed', async ({ server, newPage }) => {
  await begin(server);
  await server.createUser('ben', PASSWORD);
  const page = await newPage();
  await signIn(page, 'ada');

  await test.step('the same user goes on, for another user the page is loaded again', async () => {
    await page.goto('/d/ada/birds/discussions/new');
    await page.getByLabel('Title').fill('Units');
    const other = await page.context().newPage();
    await other.goto('/');
    await other.getByRole('button', { name: 'Account of ada' }).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await expect(ended(page)).toBeVisible();
    // The same user goes on here.
    await signIn(other, 'ada');
    await expect(ended(page)).toHaveCount(0);
    await expect(page.getByLabel('Title')).toHaveValue('Units');
    await button(page, 'Open discussion').click();
    await expect(page.getByRole('heading', { name: 'Units #1' })).toBeVisible();
    // For another user, the page is loaded again.
    await mark(page);
    await other.getByRole('button', { name: 'Account of ada' }).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await expect(ended(page)).toBeVisible();
    await signIn(other, 'ben');
    await expect(page.getByRole('button', { name: 'Account of ben' })).toBeVisible();
    expect(await isMarked(page)).toBe(false);
  });
});

test('unsaved changes are asked about, and two tabs see the changes of each other', async ({ server, newPage }) => {
  const { api } = await begin(server);
  await api('POST', '/datasets/ada/birds/discussions', { title: 'Units' });
  const page = await newPage();
  await signIn(page, 'ada');

  const places: [path: string, change: () => Promise<void>][] = [
    ['/drive/notes.txt?edit', () => page.getByRole('textbox', { name: 'Text of notes.txt' }).fill('two\n')],
    ['/d/ada/birds/file/main/notes.md?edit', () => page.getByRole('textbox', { name: 'Text of notes.md' }).fill('two\n')],
    ['/d/ada/birds/card', () => page.getByRole('region', { name: 'About' }).getByLabel('Title').fill('Birds')],
    ['/d/ada/birds/settings', () => page.getByRole('radio', { name: /Private/ }).check()],
    ['/d/ada/birds/discussions/new', () => page.getByRole('textbox', { name: 'Text (optional)' }).fill('Metres?')],
    ['/d/ada/birds/discussions/1', () => page.getByRole('textbox', { name: 'Add a comment' }).fill('Feet?')],
    ['/account', () => page.getByLabel('Display name').fill('Ada L.')],
    ['/new', () => page.getByLabel('Title').fill('Owls')],
  ];
  const put = await fetch(`${server.url}/api/v1/drive/ada/drive/files/notes.txt`, { method: 'PUT', headers: { Authorization: `Bearer ${await server.cli('token', 'add', 'ada', '--name', 'put')}` }, body: 'one\n' });
  expect(put.ok).toBe(true);
  for (const [path, change] of places) {
    await test.step(path, async () => {
      await page.goto(path);
      await expect(page.getByRole('button', { name: 'Account of ada' })).toBeVisible();
      await change();
      await page.getByRole('link', { name: 'rutter, home' }).click();
      await leaving(page).getByRole('button', { name: 'Stay' }).click();
      await expect(page).toHaveURL(new RegExp(`${path.replace('?', '\\?')}$`));
      // Closing the tab.
      const asked = page.waitForEvent('dialog');
      await page.close({ runBeforeUnload: true });
      const dialog = await asked;
      expect(dialog.type(), path).toBe('beforeunload');
      await dialog.dismiss();
      await page.getByRole('link', { name: 'rutter, home' }).click();
      await leaving(page).getByRole('button', { name: 'Leave' }).click();
      await expect(page).toHaveURL(`${server.url}/`);
    });
  }
  await page.goto('/d/ada/birds/discussions/1');
  await expect(page.getByRole('textbox', { name: 'Add a comment' }), 'the text is still there').toHaveValue('Feet?');
  // The other view of the same discussion, and signing out.
  await page.getByRole('button', { name: 'Account of ada' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await leaving(page).getByRole('button', { name: 'Stay' }).click();
  await page.getByRole('textbox', { name: 'Add a comment' }).fill('');

  const other = await page.context().newPage();
  await test.step('a list shows what another tab, or someone else, has changed', async () => {
    await page.clock.install();
    for (const tab of [page, other]) {
      await tab.goto('/drive');
      await expect(row(tab, 'plans')).toBeVisible();
    }
    await button(other, 'New folder').click();
    await other.getByRole('dialog').getByLabel('Name').fill('charts');
    await other.keyboard.press('Enter');
    await expect(row(other, 'charts')).toBeVisible();
    await expect(row(page, 'charts')).toBeVisible();
    await api('POST', '/drive/ada/drive/folders', { path: 'logs' });
    await page.clock.fastForward('00:15');
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await expect(row(page, 'logs')).toBeVisible();
    // In a dataset, the list shows the newest revision.
    for (const tab of [page, other]) {
      await tab.goto('/d/ada/birds/tree/main');
      await expect(row(tab, 'notes.md')).toBeVisible();
    }
    await button(other, 'New folder').click();
    await other.getByRole('dialog').getByLabel('Name').fill('data');
    await other.keyboard.press('Enter');
    await expect(row(page, 'data')).toBeVisible();
  });

  await test.step('a file that the other tab has saved', async () => {
    for (const tab of [page, other]) {
      await tab.goto('/drive/notes.txt?edit');
      await expect(tab.getByRole('textbox', { name: 'Text of notes.txt' })).toContainText('one');
    }
    await other.getByRole('textbox', { name: 'Text of notes.txt' }).fill('other tab\n');
    await button(other, 'Save').click();
    await expect(other.getByText('notes.txt saved as a new version.')).toBeVisible();
    await page.getByRole('textbox', { name: 'Text of notes.txt' }).fill('this tab\n');
    await button(page, 'Save').click();
    await expect(page.getByRole('heading', { name: /changed this file since you opened it/ })).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Newest version' })).toContainText('other tab');
  });
});
