// Every operation of the file browser: on one file and on a selection, in the drive and in a dataset. Results are
// checked on the server, not on the page.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestServer } from '../server.ts';
import { accessible, asking, drop, dropAt, expect, PASSWORD, row, signIn, test, upload, uploads, type Page } from '../story.ts';

const run = promisify(execFile);

/** A page with a file browser. */
interface Place {
  /** URL of the page of a folder or of a file. */
  page: (path: string, isFile?: boolean) => string;
  /** What a notice says about deleted items. */
  deleted: string;
  /** The dataset and the folder that the page shows. */
  dataset: string;
  folder: string;
  /** Display name of the root folder. */
  name: string;
  /** True for the file manager of a dataset, where a change is a commit. */
  inDataset: boolean;
  /** A token that can read all of the dataset. */
  owner: string;
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const item = (page: Page, name: string) => page.getByRole('menuitem', { name, exact: true });
const grid = (page: Page, name: string) => page.getByRole('row', { name });

/** Returns the sorted names in a folder on the server. */
async function held(server: TestServer, token: string, place: Place, folder = ''): Promise<string[]> {
  const path = [place.folder, folder].filter((part) => part !== '').join('/');
  const answer = await server.api('GET', `/api/v1/drive/${place.dataset}/list?path=${encodeURIComponent(path)}`, token);
  const { items = [] } = (await answer.json()) as { items?: { name: string }[] };
  return items.map(({ name }) => name).sort();
}

/** Selects only these entries and opens the menu of the last one. */
async function select(page: Page, ...names: string[]): Promise<void> {
  await expect(row(page, names[0] ?? '')).toBeVisible();
  const nothing = button(page, 'Clear selection');
  if (await nothing.isVisible()) await nothing.click();
  for (const name of names) await page.getByLabel(`Select ${name}`, { exact: true }).check();
  await page.getByRole('button', { name: `Actions for ${names.at(-1)}`, exact: true }).click();
}

/** Chooses a folder in the dialog and confirms. */
async function into(page: Page, folder: string, action: 'Move here' | 'Copy here'): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('treeitem', { name: folder }).click();
  await dialog.getByRole('button', { name: action }).click();
  // Another dialog may follow, about names that are taken.
  await expect(dialog.getByRole('treeitem')).toHaveCount(0);
}

/** Clicks and saves the download; returns its name and bytes. */
async function saved(page: Page, click: () => Promise<void>): Promise<{ name: string; bytes: Buffer; path: string }> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  const path = await download.path();
  return { name: download.suggestedFilename(), bytes: await readFile(path), path };
}

/** Returns the number of revisions of the dataset. */
async function revisions(server: TestServer, place: Place): Promise<number> {
  const answer = await server.api('GET', `/api/v1/datasets/${place.dataset}/revisions?limit=1000`, place.owner);
  return ((await answer.json()) as { items: unknown[] }).items.length;
}

async function operate(server: TestServer, token: string, page: Page, place: Place, files: string): Promise<void> {
  const has = (folder: string, ...names: string[]) => expect.poll(() => held(server, token, place, folder), `${place.dataset}: ${folder || 'top'}`).toEqual(names.sort());
  const file = (name: string) => join(files, name);
  for (const name of ['a.csv', 'b.csv', 'c.csv', 'd.csv', 'e.csv']) await writeFile(file(name), `name,value\n${name},1\n`);

  await page.goto(place.page(''));
  await test.step('new folder', async () => {
    for (const name of ['maps', 'plans']) {
      await button(page, 'New folder').click();
      await page.getByRole('dialog').getByLabel('Name').fill(name);
      await button(page, 'Create folder').click();
      await expect(row(page, name)).toBeVisible();
    }
    await has('', 'maps', 'plans');
  });

  await test.step('upload and drop', async () => {
    await upload(page, file('a.csv'), file('b.csv'), file('c.csv'), file('d.csv'));
    await drop(page, file('e.csv'));
    if (place.inDataset) await asking(page).getByRole('button', { name: 'Upload', exact: true }).click();
    await expect(row(page, 'e.csv')).toBeVisible();
    await has('', 'a.csv', 'b.csv', 'c.csv', 'd.csv', 'e.csv', 'maps', 'plans');
    await expect(uploads(page).getByText(/^Done/).first()).toBeVisible();
    await uploads(page).getByRole('button', { name: 'Close upload list' }).click();
  });

  await test.step('rename in the list and on the file page', async () => {
    await select(page, 'e.csv');
    await item(page, 'Rename').click();
    await page.getByLabel('New name for e.csv').fill('f.csv');
    await page.keyboard.press('Enter');
    await row(page, 'f.csv').click();
    await expect(page).toHaveURL(/f\.csv$/);
    await button(page, 'More actions').click();
    await item(page, 'Rename…').click();
    await page.getByRole('dialog').getByLabel('Name').fill('g.csv');
    await button(page, 'Rename').click();
    await expect(page).toHaveURL(/g\.csv$/);
    await has('', 'a.csv', 'b.csv', 'c.csv', 'd.csv', 'g.csv', 'maps', 'plans');
  });

  await test.step('copy and move one file from the file page', async () => {
    await button(page, 'More actions').click();
    await item(page, 'Copy…').click();
    await into(page, 'maps', 'Copy here');
    await expect(page.getByText('“g.csv” copied to “maps”.')).toBeVisible();
    await has('maps', 'g.csv');
    await has('', 'a.csv', 'b.csv', 'c.csv', 'd.csv', 'g.csv', 'maps', 'plans');
    await button(page, 'More actions').click();
    await item(page, 'Move…').click();
    await into(page, 'plans', 'Move here');
    await expect(page.getByText('“g.csv” moved to “plans”.')).toBeVisible();
    await has('plans', 'g.csv');
    await has('', 'a.csv', 'b.csv', 'c.csv', 'd.csv', 'maps', 'plans');
  });

  await page.goto(place.page(''));
  await test.step('copy and move one file, and a selection, from the list', async () => {
    await select(page, 'a.csv');
    await item(page, 'Copy…').click();
    await into(page, 'maps', 'Copy here');
    await has('maps', 'a.csv', 'g.csv');
    await select(page, 'a.csv', 'b.csv');
    await item(page, 'Copy…').click();
    await into(page, 'plans', 'Copy here');
    await expect(page.getByText('2 items copied to “plans”.')).toBeVisible();
    await has('plans', 'a.csv', 'b.csv', 'g.csv');
    await has('', 'a.csv', 'b.csv', 'c.csv', 'd.csv', 'maps', 'plans');
    await select(page, 'b.csv');
    await item(page, 'Move…').click();
    await into(page, 'maps', 'Move here');
    await has('maps', 'a.csv', 'b.csv', 'g.csv');
    await has('', 'a.csv', 'c.csv', 'd.csv', 'maps', 'plans');
    await expect(row(page, 'b.csv')).toHaveCount(0);
    await select(page, 'c.csv', 'd.csv');
    await item(page, 'Move…').click();
    await into(page, 'maps', 'Move here');
    await has('maps', 'a.csv', 'b.csv', 'c.csv', 'd.csv', 'g.csv');
    await has('', 'a.csv', 'maps', 'plans');
  });

  await test.step('move by drag', async () => {
    await page.goto(place.page('maps'));
    await page.getByLabel('Select c.csv', { exact: true }).check();
    await page.getByLabel('Select d.csv', { exact: true }).check();
    await grid(page, 'c.csv').dragTo(page.getByRole('navigation', { name: 'Folders' }).getByRole('link', { name: place.name }));
    await has('maps', 'a.csv', 'b.csv', 'g.csv');
    await has('', 'a.csv', 'c.csv', 'd.csv', 'maps', 'plans');
    await page.goto(place.page(''));
    await grid(page, 'c.csv').dragTo(grid(page, 'plans'));
    await has('plans', 'a.csv', 'b.csv', 'c.csv', 'g.csv');
    // The rows below move up.
    await expect(row(page, 'c.csv')).toHaveCount(0);
    await grid(page, 'd.csv').dragTo(grid(page, 'maps'));
    await has('maps', 'a.csv', 'b.csv', 'd.csv', 'g.csv');
    await has('', 'a.csv', 'maps', 'plans');
  });

  await test.step('a change is one revision, and can be undone', async () => {
    await page.goto(place.page('maps'));
    const before = await revisions(server, place);
    await select(page, 'b.csv', 'd.csv');
    await item(page, 'Move…').click();
    await into(page, place.name, 'Move here');
    await has('maps', 'a.csv', 'g.csv');
    await has('', 'a.csv', 'b.csv', 'd.csv', 'maps', 'plans');
    expect(await revisions(server, place)).toBe(before + 1);
    await button(page, 'Undo').first().click();
    await has('maps', 'a.csv', 'b.csv', 'd.csv', 'g.csv');
    await has('', 'a.csv', 'maps', 'plans');
    await grid(page, 'd.csv').focus();
    await page.keyboard.press('F2');
    await page.getByLabel('New name for d.csv').fill('z.csv');
    await page.keyboard.press('Enter');
    await has('maps', 'a.csv', 'b.csv', 'g.csv', 'z.csv');
    await expect(grid(page, 'z.csv')).toBeFocused();
    await page.keyboard.press('Control+z');
    await has('maps', 'a.csv', 'b.csv', 'd.csv', 'g.csv');
    await expect(row(page, 'd.csv')).toBeVisible();
    await select(page, 'd.csv', 'g.csv');
    await item(page, 'Delete').click();
    await has('maps', 'a.csv', 'b.csv');
    await page.getByRole('status').filter({ hasText: '2 items' }).last().getByRole('button', { name: 'Undo' }).click();
    await has('maps', 'a.csv', 'b.csv', 'd.csv', 'g.csv');
  });

  await test.step('names that are taken: replace, keep both or skip', async () => {
    await page.goto(place.page('maps'));
    await expect(row(page, 'b.csv')).toBeVisible();
    await writeFile(file('b.csv'), 'name,value\nchanged,3\n');
    const content = async (path: string) => {
      const at = [place.folder, 'maps', path].filter((part) => part !== '').join('/');
      return (await server.api('GET', `/api/v1/drive/${place.dataset}/content/${at}`, token)).text();
    };
    for (const choice of ['Skip', 'Keep both', 'Replace']) {
      await page.getByLabel('Files to upload').setInputFiles([file('b.csv'), file('c.csv')]);
      await expect(asking(page)).toContainText('b.csv');
      if (choice === 'Skip') await accessible(page);
      await asking(page).getByRole('radio', { name: choice }).check();
      await asking(page).getByRole('button', { name: 'Upload', exact: true }).click();
      if (choice === 'Skip') await has('maps', 'a.csv', 'b.csv', 'c.csv', 'd.csv', 'g.csv');
      if (choice === 'Keep both') await has('maps', 'a.csv', 'b (2).csv', 'b.csv', 'c (2).csv', 'c.csv', 'd.csv', 'g.csv');
      if (choice === 'Replace') await expect.poll(() => content('b.csv')).toContain('changed');
      else expect(await content('b.csv')).not.toContain('changed');
      await expect(uploads(page).getByText(/^(Done|Nothing new)/).first()).toBeVisible();
      await uploads(page).getByRole('button', { name: 'Close upload list' }).click();
    }
    // A copy that replaces, and its undo.
    await select(page, 'b.csv');
    await item(page, 'Copy…').click();
    await into(page, 'plans', 'Copy here');
    const taken = page.getByRole('dialog', { name: /^Copy 1 item to “plans”/ });
    await taken.getByRole('radio', { name: 'Replace' }).check();
    await taken.getByRole('button', { name: 'Copy', exact: true }).click();
    const plans = async () => {
      const at = [place.folder, 'plans/b.csv'].filter((part) => part !== '').join('/');
      return (await server.api('GET', `/api/v1/drive/${place.dataset}/content/${at}`, token)).text();
    };
    await expect.poll(plans).toContain('changed');
    await select(page, 'b (2).csv', 'c (2).csv', 'c.csv');
    await item(page, 'Delete').click();
    await has('maps', 'a.csv', 'b.csv', 'd.csv', 'g.csv');
  });

  if (!place.inDataset)
  await test.step('restore an older version', async () => {
    await page.goto(place.page('plans'));
    await writeFile(file('a.csv'), 'name,value\nnewer,2\n');
    await upload(page, file('a.csv'));
    await row(page, 'a.csv').click();
    await expect(page.getByRole('gridcell', { name: 'newer' })).toBeVisible();
    await page.getByRole('button', { name: /^Restore the version from/ }).first().click();
    await expect(page.getByRole('gridcell', { name: 'newer' })).toHaveCount(0);
    const path = [place.folder, 'plans/a.csv'].filter((part) => part !== '').join('/');
    const content = async () => (await server.api('GET', `/api/v1/drive/${place.dataset}/content/${path}`, token)).text();
    await expect.poll(content).toBe('name,value\na.csv,1\n');
    // Undone, and restored again, once the list has the new version.
    await expect(page.getByRole('region', { name: 'Versions' }).getByRole('listitem').first()).toContainText('Restore');
    const listed = page.getByRole('region', { name: 'Versions' }).getByRole('listitem');
    const undo = page.getByRole('status').filter({ hasText: 'Restored.' }).getByRole('button', { name: 'Undo' });
    const restored = await listed.count();
    await undo.last().click();
    await expect.poll(content).toBe('name,value\nnewer,2\n');
    await expect(page.getByRole('gridcell', { name: 'newer' })).toBeVisible();
    await expect(listed).toHaveCount(restored + 1);
    await page.getByRole('button', { name: /^Restore the version from/ }).first().click();
    await expect.poll(content).toBe('name,value\na.csv,1\n');
    await expect(page.getByRole('gridcell', { name: 'newer' })).toHaveCount(0);

    // The same for the folder: its version before the file was changed, and then the newest one again.
    await page.goto(place.page(''));
    await select(page, 'plans');
    await item(page, 'Versions').click();
    const versions = page.getByRole('dialog', { name: 'Versions of “plans”' });
    await expect(versions.getByRole('listitem').first()).toContainText('latest');
    await accessible(page);
    await versions.getByRole('button', { name: /^Restore the version from/ }).first().click();
    await expect(versions).toHaveCount(0);
    await expect.poll(content).toBe('name,value\nnewer,2\n');
    await page.getByRole('status').filter({ hasText: '“plans” restored.' }).getByRole('button', { name: 'Undo' }).click();
    await expect.poll(content).toBe('name,value\na.csv,1\n');
    await page.goto(place.page('plans/a.csv', true));
    // The files beside it.
    await page.getByRole('link', { name: 'Next file' }).click();
    await expect(page).toHaveURL(/plans\/b(%20\(2\))?\.csv$/);
    await page.keyboard.press('[');
    await expect(page.getByRole('heading', { level: 1, name: 'a.csv' })).toBeVisible();
  });

  await test.step('download of one file, of a folder and of a selection', async () => {
    if (!place.inDataset) {
      const one = await saved(page, () => button(page, 'Download').click());
      expect([one.name, one.bytes.toString()]).toEqual(['a.csv', 'name,value\na.csv,1\n']);
    }
    await page.goto(place.page(''));
    await select(page, 'plans');
    const folder = await saved(page, () => item(page, 'Download as ZIP').click());
    expect(folder.name).toBe('plans.zip');
    await page.getByLabel('Select maps', { exact: true }).check();
    const both = await saved(page, () => button(page, 'Download').click());
    expect(both.name).toBe(place.folder === '' ? 'maps and 1 more.zip' : `${place.folder}.zip`);
    const listed = await run('python3', ['-m', 'zipfile', '-l', both.path]);
    for (const name of ['maps/d.csv', 'plans/a.csv']) expect(listed.stdout).toContain(name);
  });

  await test.step('delete one file from the file page and a selection from the list', async () => {
    await page.goto(place.page('maps/g.csv', true));
    await button(page, 'More actions').click();
    await item(page, 'Delete').click();
    await expect(page.getByText(`“g.csv” ${place.deleted}`)).toBeVisible();
    await expect(page.getByRole('heading', { name: 'maps' })).toBeVisible();
    await has('maps', 'a.csv', 'b.csv', 'd.csv');
    await grid(page, 'a.csv').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Delete');
    await expect(row(page, 'a.csv')).toHaveCount(0);
    await has('maps', 'b.csv', 'd.csv');
    // The focus moves to the next row, not to the top of the page.
    await expect(grid(page, 'b.csv')).toBeFocused();
    await select(page, 'b.csv', 'd.csv');
    await item(page, 'Delete').click();
    await expect(page.getByText(`2 items ${place.deleted}`)).toBeVisible();
    await has('maps');
    await expect(page.getByRole('heading', { name: 'maps' })).toBeFocused();
  });
}

test('every operation of the file browser, in the drive and in a dataset', async ({ server, newPage }) => {
  const files = await mkdtemp(join(tmpdir(), 'rutter-ui-files-'));
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const ben = await server.createUser('ben');
  await server.api('POST', '/api/v1/datasets', ben.token, { id: 'ben/survey', visibility: 'private' });
  await server.api('POST', '/api/v1/drive/ben/survey/folders', ben.token, { path: 'field' });
  const share = { path: 'field', with: { user: 'ada' }, right: 'edit' };
  expect((await server.api('POST', '/api/v1/datasets/ben/survey/shares', ben.token, share)).ok).toBe(true);
  const page = await newPage();
  await signIn(page, 'ada');

  const below = (root: string) => (path: string) => (path === '' ? root : `${root}/${path}`);
  const drive: Place = { page: below('/drive'), dataset: 'ada/drive', folder: '', name: 'My drive', deleted: 'moved to trash.', inDataset: false, owner: token };
  await operate(server, token, page, drive, files);
  const shared = { ...drive, page: below('/shared/ben/survey/field'), dataset: 'ben/survey', folder: 'field', name: 'field', owner: ben.token };
  await operate(server, token, page, shared, files);

  await test.step('an upload of several files to a shared folder is undone', async () => {
    const content = async (name: string) => (await fetch(`${server.url}/api/v1/drive/ben/survey/content/field/undo/${name}`, { headers: { Authorization: `Bearer ${ben.token}` } })).text();
    for (const name of ['a.txt', 'b.txt']) {
      await fetch(`${server.url}/api/v1/drive/ben/survey/files/field/undo/${name}`, { method: 'PUT', headers: { Authorization: `Bearer ${ben.token}` }, body: `old ${name}` });
      await writeFile(join(files, name), `new ${name}`);
    }
    await page.goto('/shared/ben/survey/field/undo');
    await expect(row(page, 'b.txt')).toBeVisible();
    await drop(page, join(files, 'a.txt'), join(files, 'b.txt'));
    await asking(page).getByRole('button', { name: 'Upload', exact: true }).click();
    await expect.poll(() => content('b.txt')).toBe('new b.txt');
    await page.getByRole('status').filter({ hasText: '2 files replaced.' }).getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => content('a.txt')).toBe('old a.txt');
    await expect.poll(() => content('b.txt')).toBe('old b.txt');
  });

  await test.step('undo, and restore from the trash', async () => {
    await page.goto('/drive/plans');
    await select(page, 'b.csv');
    await item(page, 'Delete').click();
    await button(page, 'Undo').click();
    await expect.poll(() => held(server, token, drive, 'plans')).toContain('b.csv');
    await page.goto('/trash');
    await page.getByLabel('Select d.csv', { exact: true }).check();
    await button(page, 'Restore').click();
    await expect.poll(() => held(server, token, drive, 'maps')).toEqual(['d.csv']);
    await button(page, 'Restore b.csv').click();
    await expect.poll(() => held(server, token, drive, 'maps')).toEqual(['b.csv', 'd.csv']);
    await button(page, 'Empty trash').click();
    await expect(page.getByRole('dialog')).toContainText('This clears the trash. Earlier versions keep the files.');
    await page.getByRole('dialog').getByRole('button', { name: 'Empty trash' }).click();
    await expect(page.getByText('Trash is empty')).toBeVisible();
    // The history still has the deleted file: copied, deleted, brought back and deleted.
    await page.goto('/d/ada/drive/history/main?path=maps/g.csv');
    await expect(page.getByRole('list', { name: 'Versions, newest first' }).getByRole('button', { name: /^Actions for/ })).toHaveCount(4);
  });
  await rm(files, { recursive: true });
});

test('every operation of the file browser, in a dataset', async ({ server, newPage }) => {
  const files = await mkdtemp(join(tmpdir(), 'rutter-ui-files-'));
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  await server.api('POST', '/api/v1/datasets', token, { id: 'ada/survey', visibility: 'private' });
  await server.api('POST', '/api/v1/drive/ada/survey/folders', token, { path: 'work' });
  const page = await newPage();
  await signIn(page, 'ada');
  const place = {
    page: (path: string, isFile = false) => ['/d/ada/survey', isFile ? 'file' : 'tree', 'main/work', path].filter((part) => part !== '').join('/'),
    dataset: 'ada/survey',
    folder: 'work',
    name: 'work',
    deleted: 'deleted. Earlier versions are kept.',
    inDataset: true,
    owner: token
  };
  await operate(server, token, page, place, files);
  await rm(files, { recursive: true });
});

test('one file of a dataset is dropped, deleted and restored', async ({ server, newPage }) => {
  const files = await mkdtemp(join(tmpdir(), 'rutter-ui-files-'));
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  await server.api('POST', '/api/v1/datasets', token, { id: 'ada/birds', visibility: 'private' });
  const content = async (path: string) => {
    const answer = await server.api('GET', `/api/v1/datasets/ada/birds/raw/main/${path}`, token);
    return answer.ok ? answer.text() : null;
  };
  const put = (path: string, text: string) =>
    fetch(`${server.url}/api/v1/drive/ada/birds/files/${path}`, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: text });
  await put('data/counts.csv', 'bird,count\nowl,1\n');
  await put('notes.md', '# First\n');
  const page = await newPage();
  await signIn(page, 'ada');

  // On pages that accept no files, a drop does not navigate away.
  await page.goto('/account');
  await writeFile(join(files, 'counts.csv'), 'bird,count\nowl,2\n');
  await drop(page, join(files, 'counts.csv'));
  await expect(page).toHaveURL(/\/account$/);

  // A drop on a folder page says what it replaces, and asks for a message.
  await page.goto('/d/ada/birds/tree/main/data');
  await expect(row(page, 'counts.csv')).toBeVisible();
  await drop(page, join(files, 'counts.csv'));
  await expect(asking(page)).toContainText('One name is already taken');
  await expect(asking(page).getByRole('list')).toHaveText('counts.csv');
  await asking(page).getByLabel('Message').fill('One more owl');
  await asking(page).getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(page.getByRole('link', { name: 'One more owl' }).first()).toBeVisible();
  expect(await content('data/counts.csv')).toBe('bird,count\nowl,2\n');

  // On other pages, it leads to the upload page, which asks the same; what was replaced comes back.
  await writeFile(join(files, 'counts.csv'), 'bird,count\nowl,3\n');
  await page.goto('/d/ada/birds/file/main/data/counts.csv');
  await expect(page.getByRole('gridcell', { name: 'owl' })).toBeVisible();
  await drop(page, join(files, 'counts.csv'));
  await expect(page).toHaveURL(/\/upload\?path=data/);
  await page.getByLabel('Message').fill('Yet another owl');
  await button(page, 'Upload 1 file').click();
  await expect(asking(page).getByRole('list')).toHaveText('counts.csv');
  await asking(page).getByRole('button', { name: 'Upload', exact: true }).click();
  await expect.poll(() => content('data/counts.csv')).toBe('bird,count\nowl,3\n');
  await page.getByRole('status').filter({ hasText: '1 file replaced.' }).getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => content('data/counts.csv')).toBe('bird,count\nowl,2\n');

  const one = await (async () => {
    await page.goto('/d/ada/birds/file/main/data/counts.csv');
    return saved(page, () => page.getByRole('link', { name: 'Download', exact: true }).click());
  })();
  expect([one.name, one.bytes.toString()]).toEqual(['counts.csv', 'bird,count\nowl,2\n']);

  await button(page, 'More actions').click();
  await item(page, 'Delete').click();
  await expect(page.getByText('“counts.csv” deleted.')).toBeVisible();
  await expect(page.getByText('This folder is empty')).toBeVisible();
  expect(await content('data/counts.csv')).toBeNull();
  await put('notes.md', '# Second\n');

  // The history of the file restores only this file and keeps later changes.
  await page.goto('/d/ada/birds/history/main?path=data/counts.csv');
  await expect(page).toHaveURL(/history\/main\?path=data/);
  // It says what changed in this file alone.
  await expect(page.getByRole('list', { name: 'Versions, newest first' }).getByText('1 file removed').first()).toBeAttached();
  await page.getByRole('button', { name: /^Actions for/ }).nth(1).click();
  await item(page, 'Restore “counts.csv”…').click();
  const dialog = page.getByRole('dialog', { name: 'Restore data/counts.csv' });
  await expect(dialog.getByText('counts.csv').last()).toBeVisible();
  await expect(dialog.getByText('notes.md')).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect.poll(() => content('data/counts.csv')).toBe('bird,count\nowl,2\n');
  expect(await content('notes.md')).toBe('# Second\n');
  await rm(files, { recursive: true });
});

test('a dataset is changed by its owner and only read by others', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const ben = await server.createUser('ben');
  const api = async (method: string, path: string, body?: unknown, by = token) => {
    const answer = await server.api(method, `/api/v1/datasets/ada/birds${path}`, by, body);
    expect(answer.ok, `${method} ${path}: ${await answer.clone().text()}`).toBe(true);
    return answer.json();
  };
  const commit = (operations: object[], by = token) => api('POST', '/commits', { message: 'Change', operations }, by);
  const put = (path: string, content: string) => ({ operation: 'put', path, content });
  await server.api('POST', '/api/v1/datasets', token, { id: 'ada/birds', visibility: 'public' });
  await commit([put('data/owls.csv', 'n\n1\n'), put('data/gulls.csv', 'n\n2\n'), put('readme.md', '# Birds\n'), put('z.txt', 'z')]);
  await api('POST', '/tags', { name: 'v1.0' });
  await commit([put('data/owls.csv', 'n\n9\n')]);
  const content = async (path: string) => (await server.api('GET', `/api/v1/datasets/ada/birds/raw/main/${path}`, token)).text();

  await test.step('without an account: nothing that changes, but archives of a folder, a selection and a version', async () => {
    const guest = await newPage();
    await guest.goto('/d/ada/birds/tree/main/data');
    await expect(row(guest, 'owls.csv')).toBeVisible();
    for (const name of ['New folder', 'Upload']) await expect(button(guest, name)).toHaveCount(0);
    expect((await saved(guest, () => button(guest, 'Download folder as ZIP').click())).name).toBe('data.zip');
    await guest.getByLabel('Select all').check();
    await expect(button(guest, 'Delete')).toHaveCount(0);
    const both = await saved(guest, () => button(guest, 'Download').click());
    expect(both.bytes.includes('owls.csv') && both.bytes.includes('gulls.csv')).toBe(true);
    await guest.keyboard.press('Delete');
    await button(guest, 'Clear selection').click();
    await row(guest, 'gulls.csv').click({ button: 'right' });
    await expect(item(guest, 'Download')).toBeVisible();
    for (const name of ['Rename', 'Move…', 'Copy…', 'Delete', 'Share…', 'Restore…']) await expect(item(guest, name)).toHaveCount(0);
    await guest.keyboard.press('Escape');
    await guest.goto('/d/ada/birds/releases');
    const release = await saved(guest, () => button(guest, 'Download ZIP').click());
    expect(release.bytes.includes('data/owls.csv')).toBe(true);
  });

  const page = await newPage();
  await signIn(page, 'ada');
  await test.step('a tag cannot be changed; a file of it is restored', async () => {
    await page.goto('/d/ada/birds/tree/v1.0/data');
    await expect(page.getByText('You are viewing v1.0. This version cannot be changed. You can restore it to main.')).toBeVisible();
    await expect(button(page, 'New folder')).toHaveCount(0);
    await accessible(page);
    await page.getByLabel('Select owls.csv', { exact: true }).check();
    await expect(button(page, 'Delete')).toHaveCount(0);
    await page.getByRole('main').getByRole('button', { name: 'Restore…' }).last().click();
    const dialog = page.getByRole('dialog', { name: 'Restore data/owls.csv' });
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    await expect.poll(() => content('data/owls.csv')).toBe('n\n1\n');
    await page.goto('/d/ada/birds/file/v1.0/data/owls.csv');
    await expect(page.getByText('You are viewing v1.0.')).toBeVisible();
    await expect(button(page, 'More actions')).toHaveCount(0);
    await page.getByRole('link', { name: 'Show main' }).click();
    await expect(page).toHaveURL(/file\/main\/data\/owls\.csv$/);
  });

  await test.step('a branch that has moved on: the list is renewed, and the change is offered again', async () => {
    await page.goto('/d/ada/birds/tree/main');
    await expect(row(page, 'z.txt')).toBeVisible();
    await commit([put('new.txt', 'new')]);
    await select(page, 'z.txt');
    await item(page, 'Delete').click();
    await expect(page.getByText('“main” was changed by someone else in the meantime.')).toBeVisible();
    await expect(row(page, 'new.txt')).toBeVisible();
    await expect(row(page, 'z.txt')).toBeVisible();
    await button(page, 'Try again').click();
    await expect(row(page, 'z.txt')).toHaveCount(0);
  });

  await test.step('a file that someone else has locked', async () => {
    await api('POST', '/shares', { path: '', with: { user: 'ben' }, right: 'edit' });
    const lock = await fetch(`${server.url}/ada/birds.git/info/lfs/locks`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ben.token}`, 'Content-Type': 'application/vnd.git-lfs+json', Accept: 'application/vnd.git-lfs+json' },
      body: JSON.stringify({ path: 'new.txt' })
    });
    expect(lock.status).toBe(201);
    await select(page, 'new.txt');
    await item(page, 'Delete').click();
    await expect(page.getByText(/new\.txt\W* is locked by ben/)).toBeVisible();
    await expect(row(page, 'new.txt')).toBeVisible();
  });
});

test('what the others leave out: folders from the disk, names that are taken, search, keys, and folders of an older version', async ({ server, newPage }) => {
  const files = await mkdtemp(join(tmpdir(), 'rutter-ui-files-'));
  await server.createUser('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const api = async (path: string, body: unknown) => {
    const answer = await server.api('POST', `/api/v1${path}`, token, body);
    expect(answer.ok, `${path}: ${answer.ok ? '' : await answer.text()}`).toBe(true);
  };
  const put = (path: string, content: string) => ({ operation: 'put', path, content });
  await server.api('GET', '/api/v1/drive', token);
  await api('/drive/ada/drive/folders', { path: 'empty' });
  await api('/datasets', { id: 'ada/survey', visibility: 'private' });
  await mkdir(join(files, 'tour'));
  await writeFile(join(files, 'tour', 'day.csv'), 'day\n1\n');
  await writeFile(join(files, 'late.csv'), 'day\n2\n');
  const page = await newPage();
  await signIn(page, 'ada');
  for (const [dataset, root, tree] of [
    ['ada/drive', '/drive', '/d/ada/drive/tree'],
    ['ada/survey', '/d/ada/survey/tree/main', '/d/ada/survey/tree'],
  ] as const) {
    await test.step(dataset, async () => {
      const inDataset = dataset !== 'ada/drive';
      const place: Place = { page: (path) => `${root}/${path}`, dataset, folder: '', name: '', deleted: '', inDataset, owner: token };
      const has = (folder: string, ...names: string[]) => expect.poll(() => held(server, token, place, folder), `${dataset}: ${folder}`).toEqual(expect.arrayContaining(names));
      const message = async () => {
        if (inDataset) await asking(page).getByRole('button', { name: 'Upload', exact: true }).click();
      };
      await api(`/datasets/${dataset}/commits`, { message: 'Files', operations: [put('data/a.csv', 'a\n'), put('data/b.csv', 'b\n'), put('c.csv', 'c\n')] });
      await api(`/datasets/${dataset}/tags`, { name: 'v1' });

      // A folder is chosen, and files are dropped on it.
      await page.goto(root);
      await expect(row(page, 'data')).toBeVisible();
      await page.getByLabel('Folder to upload').setInputFiles(join(files, 'tour'));
      await message();
      await has('tour', 'day.csv');
      const box = await grid(page, 'tour').boundingBox();
      await dropAt(page, { x: (box?.x ?? 0) + 200, y: (box?.y ?? 0) + 10 }, join(files, 'late.csv'));
      await message();
      await has('tour', 'day.csv', 'late.csv');

      // Names that are taken are refused at the field.
      await button(page, 'New folder').click();
      await page.getByRole('dialog').getByLabel('Name').fill('data');
      await page.keyboard.press('Enter');
      await expect(page.getByRole('dialog').getByRole('alert')).toContainText('already exists');
      await page.keyboard.press('Escape');
      await grid(page, 'c.csv').focus();
      await page.keyboard.press('F2');
      await page.getByLabel('New name for c.csv').fill('data');
      await page.keyboard.press('Enter');
      await expect(page.getByRole('alert').filter({ hasText: 'data' })).toBeVisible();
      await page.keyboard.press('Escape');
      // Several with the keyboard; moving a folder into itself is refused.
      await page.goto(`${root}/data`);
      await grid(page, 'a.csv').click();
      await grid(page, 'b.csv').click({ modifiers: ['Shift'] });
      await expect(page.getByText('2 selected')).toBeVisible();
      await page.keyboard.press('Escape');
      await page.goto(root);
      await select(page, 'data');
      await item(page, 'Move…').click();
      await page.getByRole('dialog').getByRole('treeitem', { name: 'data' }).click();
      await expect(page.getByRole('dialog').getByRole('button', { name: 'Move here' })).toBeDisabled();
      await page.keyboard.press('Escape');
      // The bar of the selection is where the search is.
      await button(page, 'Clear selection').click();
      if (!inDataset) {
        await page.getByLabel('Search in this folder').fill('late');
        await expect(row(page, 'late.csv')).toBeVisible();
        await page.getByLabel('Search in this folder').fill('');
      }

      // A deleted folder, and several files that were changed, come back from an older version.
      await select(page, 'data');
      await item(page, 'Delete').click();
      await expect(row(page, 'data')).toHaveCount(0);
      await page.goto(`${tree}/v1/data`);
      await page.getByRole('button', { name: 'Restore…' }).first().click();
      const dialog = page.getByRole('dialog', { name: 'Restore data' });
      await expect(dialog.getByText('b.csv')).toBeVisible();
      await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
      await expect(dialog).toHaveCount(0);
      await has('data', 'a.csv', 'b.csv');
      await api(`/datasets/${dataset}/commits`, { message: 'Change', operations: [put('data/a.csv', 'newer\n'), put('data/b.csv', 'newer\n')] });
      await page.goto(`${tree}/v1/data`);
      await page.getByLabel('Select all').check();
      await page.getByRole('main').getByRole('button', { name: 'Restore…' }).last().click();
      await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
      await expect(page.getByText('2 items restored to main.')).toBeVisible();
      const content = async () => (await server.api('GET', `/api/v1/drive/${dataset}/content/data/a.csv`, token)).text();
      await expect.poll(content).toBe('a\n');
      await button(page, 'Undo').click();
      await expect.poll(content).toBe('newer\n');
    });
  }
  await rm(files, { recursive: true });
});
