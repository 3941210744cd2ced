// The file browser under difficult conditions: no network, a small screen, a large folder, a name that is taken.

import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { accessible, expect, PASSWORD, row, signIn, test, uploads, type Page } from '../story.ts';

const run = promisify(execFile);
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const PHONE = { width: 390, height: 800 };

test('the drive without a network, with a taken name and on a phone', async ({ server, newPage }) => {
  const files = await mkdtemp(join(tmpdir(), 'rutter-ui-files-'));
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  for (const path of ['maps', 'plans']) await server.api('POST', '/api/v1/drive/ada/drive/folders', token, { path });
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/drive');
  await expect(row(page, 'maps')).toBeVisible();

  await test.step('without a network the page keeps its content', async () => {
    await page.context().setOffline(true);
    await button(page, 'New folder').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('charts');
    await button(page, 'Create folder').click();
    await expect(dialog.getByRole('alert')).toHaveText('Cannot reach the server. Check your connection and try again.');
    await expect(dialog.getByLabel('Name')).toHaveValue('charts');
    await page.keyboard.press('Escape');
    await page.getByLabel('Select plans', { exact: true }).check();
    await button(page, 'Delete').click();
    await expect(page.getByRole('status').getByText('Cannot reach the server.')).toBeVisible();
    await expect(row(page, 'maps')).toBeVisible();
    await expect(row(page, 'plans')).toBeVisible();
    await accessible(page);
    await button(page, 'Dismiss').click();
  });

  await test.step('a page that failed to load is retried when the network is back', async () => {
    await page.getByRole('navigation', { name: 'Drive' }).getByRole('link', { name: 'Trash' }).click();
    await expect(page.getByRole('heading', { name: 'Cannot reach the server' })).toBeVisible();
    await button(page, 'Try again').click();
    await expect(page.getByRole('heading', { name: 'Cannot reach the server' })).toBeVisible();
    await page.context().setOffline(false);
    await expect(page.getByRole('heading', { name: 'Trash' })).toBeVisible();
    await page.goBack();
    await expect(row(page, 'plans')).toBeVisible();
  });

  await test.step('a taken name is reported at the field', async () => {
    await page.getByRole('row', { name: 'plans' }).focus();
    await page.keyboard.press('F2');
    const field = page.getByLabel('New name for plans');
    await field.fill('maps');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alert')).toContainText('maps');
    await expect(page.getByRole('alert')).not.toContainText('`');
    await expect(field).toHaveValue('maps');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('row', { name: 'plans' })).toBeFocused();
  });

  await test.step('rows that are removed and added move softly, unless the user wants no motion', async () => {
    await page.evaluate(() => {
      const moves: string[] = [];
      Object.assign(window, { moves });
      const { animate } = Element.prototype;
      Element.prototype.animate = function (frames, options) {
        if (this.classList.contains('entry')) moves.push(`${this.querySelector('.name')?.textContent?.trim()} ${Object.keys((frames as Keyframe[])[0] ?? {})[0]}`);
        return animate.call(this, frames, options);
      };
    });
    for (const [reducedMotion, expected] of [['no-preference', ['maps opacity', 'plans transform']], ['reduce', []]] as const) {
      await page.emulateMedia({ reducedMotion });
      const moves = () => page.evaluate(() => (window as unknown as { moves: string[] }).moves.splice(0).sort());
      await page.getByLabel('Select maps', { exact: true }).check();
      await button(page, 'Delete').click();
      await expect(row(page, 'maps')).toHaveCount(0);
      expect(await moves(), `removed, ${reducedMotion}`).toEqual(expected);
      await button(page, 'Undo').click();
      await expect(row(page, 'maps')).toBeVisible();
      expect(await moves(), `added, ${reducedMotion}`).toEqual(expected);
      await expect(page.locator('.leaving > *'), 'copies are removed').toHaveCount(0);
    }
    await page.emulateMedia({ reducedMotion: 'no-preference' });
  });

  await test.step('toasts are above the upload panel, which shows progress and removes finished uploads', async () => {
    const large = join(files, 'large.bin');
    const sparse = await open(large, 'w');
    await sparse.truncate(100_000_000);
    await sparse.close();
    const small = join(files, 'small.txt');
    await writeFile(small, 'small');
    const network = await page.context().newCDPSession(page);
    await network.send('Network.enable');
    await network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 15_000_000 });
    await page.getByLabel('Files to upload').setInputFiles(large);
    // Four parts of 16 MiB are sent at once, so at least one has arrived.
    await expect(uploads(page).getByText(/^[89]\d\.\d MB of 100 MB/)).toBeVisible({ timeout: 60_000 });
    await page.reload();
    await expect(uploads(page).getByText(/^Upload interrupted at \d+ % \([1-9][\d.]* MB of 100 MB\)\. Choose the file again to resume\./)).toBeVisible();
    await network.detach();

    await page.setViewportSize(PHONE);
    await page.clock.install();
    await page.getByLabel('Files to upload').setInputFiles(small);
    await expect(uploads(page).getByText(/^Done/)).toBeVisible();
    await page.getByLabel('Select maps', { exact: true }).check();
    await button(page, 'Delete').click();
    const notice = page.getByText('“maps” moved to trash.');
    await expect(notice).toBeVisible();
    const [above, below] = [await notice.boundingBox(), await uploads(page).boundingBox()];
    expect((above?.y ?? 0) + (above?.height ?? 0), 'the toast is above the upload panel').toBeLessThanOrEqual(below?.y ?? 0);
    await page.mouse.move(5, 200);
    await page.clock.fastForward('01:05');
    await expect(uploads(page).getByText(/^Done/)).toHaveCount(0);
    await expect(uploads(page).getByText(/^Upload interrupted/)).toBeVisible();
    await button(page, 'Discard large.bin').click();
  });

  await test.step('on a phone all actions are on the screen', async () => {
    await page.getByLabel('Select small.txt', { exact: true }).check();
    const buttons = ['Download', 'Share', 'Delete', 'More actions', 'Clear selection'];
    for (const name of buttons) {
      const box = await button(page, name).boundingBox();
      expect(box && box.x >= 0 && box.x + box.width <= PHONE.width, `${name} is on the screen`).toBe(true);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    await accessible(page);
    await button(page, 'More actions').click();
    const menu = await page.getByRole('menu').boundingBox();
    expect(menu && menu.x >= 0 && menu.x + menu.width <= PHONE.width, 'the menu is on the screen').toBe(true);
    await expect(page.getByRole('menuitem', { name: 'Move…' })).toBeVisible();
    await page.keyboard.press('Escape');
    await button(page, 'Share').click();
    const dialog = await page.getByRole('dialog').boundingBox();
    expect([dialog?.x, dialog?.width]).toEqual([0, PHONE.width]);
  });
  await rm(files, { recursive: true });
});

// Measures a duration, so `make test-ui` runs it alone.
test('a folder of 5,000 files responds quickly @alone', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  await server.api('POST', '/api/v1/datasets', token, { id: 'ada/many', visibility: 'private' });
  const work = join(server.data, 'many');
  const git = (...args: string[]) => run('git', ['-C', work, ...args], { env: server.settings });
  // The first push creates the drive.
  await run('git', ['init', '-q', work], { env: server.settings });
  await git('remote', 'add', 'origin', `${server.url.replace('//', `//ada:${token}@`)}/ada/drive.git`);
  await run('python3', ['-c', `import os\nos.mkdir('many')\nfor n in range(5000): open(f'many/file-{n}.txt', 'w').write('x' * (n % 97))`], { cwd: work });
  await git('add', 'many');
  await git('-c', 'user.name=ada', '-c', 'user.email=ada@example.org', 'commit', '-qm', 'Many');
  await git('push', '-q', 'origin', 'HEAD:main');

  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/drive/many');
  await page.getByRole('row', { name: 'file-0.txt' }).focus();
  await expect(page.getByText('5,000 items', { exact: true })).toBeVisible();
  await page.keyboard.press('Control+End');
  await expect(page.getByRole('row', { name: 'file-4999.txt' })).toBeFocused();
  await page.keyboard.press('Control+a');
  await expect(page.getByText('5,000 selected')).toBeVisible();
  await page.keyboard.press('Escape');
  const began = Date.now();
  await page.getByRole('button', { name: 'Size' }).click();
  await expect(page.getByRole('columnheader', { name: 'Size' })).toHaveAttribute('aria-sort', 'descending');
  // Wait until it is painted.
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
  expect(Date.now() - began, 'milliseconds').toBeLessThan(2_500);
  await page.keyboard.press('Home');
  await expect(page.getByRole('row', { name: 'file-96.txt' })).toBeVisible();
  // Only the rows in and around the viewport are in the page, wherever it is scrolled to.
  for (const key of ['End', 'PageUp', 'Home', 'PageDown']) {
    await page.keyboard.press(key);
    expect(await page.locator('*').count(), 'elements').toBeLessThan(4_000);
  }
});
