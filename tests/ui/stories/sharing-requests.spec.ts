// Files can be requested by a link, creators of links are notified, e-mails lead to what was shared, and people are found by
// the beginning of their names.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accessible, expect, PASSWORD, readable, row, signIn, test, uploads, type Page } from '../story.ts';

const DRIVE = '/api/v1/drive/ada/drive';

async function openShare(page: Page, name: string): Promise<void> {
  await row(page, name).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Share…' }).click();
}

test('files are requested by a link, sent by a visitor who sees nothing, and announced', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  for (const path of ['inbox/photo.jpg', 'inbox/secret.txt']) {
    await fetch(`${server.url}${DRIVE}/files/${path}`, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: 'before' });
  }
  const ada = await newPage();
  await signIn(ada, 'ada');
  await ada.goto('/drive');
  await openShare(ada, 'inbox');
  const dialog = ada.getByRole('dialog', { name: 'Share “inbox”' });
  await dialog.getByRole('button', { name: 'Request files' }).click();
  await dialog.getByLabel('Title').fill('Photos of the harbour');
  await dialog.getByLabel('Message (optional)').fill('As large as you have them.\nThank you!');
  await dialog.getByLabel('Most files').fill('3');
  await accessible(ada);
  await dialog.getByRole('button', { name: 'Create link' }).click();
  const url = await dialog.locator('code').first().innerText();
  await expect(dialog.getByText('0 of 3 files received')).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();

  const guest = await newPage();
  await guest.setViewportSize({ width: 390, height: 800 });
  await guest.goto(url);
  await expect(guest.getByRole('heading', { name: 'Photos of the harbour' })).toBeVisible();
  await expect(guest.getByText('As large as you have them.')).toBeVisible();
  await expect(guest.getByText('ada asks you for files')).toBeVisible();
  await expect(guest.getByText('secret.txt')).toHaveCount(0);
  await accessible(guest);
  await readable(guest);
  const jpeg = (name: string, text: string) => ({ name, mimeType: 'image/jpeg', buffer: Buffer.from(text) });
  await guest.getByLabel('Files to send').setInputFiles([jpeg('photo.jpg', 'after'), jpeg('<b>x.jpg', 'bold'), jpeg('empty.jpg', '')]);
  await guest.getByLabel('Your name (optional)').fill('Käthe <img src=x onerror=alert(1)>');
  await guest.getByRole('button', { name: 'Send 3 files' }).click();
  await expect(guest.getByText('3 files were sent to ada.')).toBeVisible();
  await expect(uploads(guest).getByText(/^Done/)).toBeVisible();
  // The link accepts no more, and says so.
  await guest.getByRole('button', { name: 'Send more files' }).click();
  await guest.getByLabel('Files to send').setInputFiles(jpeg('more.jpg', 'more'));
  await guest.getByRole('button', { name: 'Send 1 file' }).click();
  await expect(guest.getByRole('alert')).toContainText('ask ada');

  // The files are beside the others, and the history says who sent them.
  await ada.goto('/drive/inbox');
  await expect(row(ada, 'photo (2).jpg')).toBeVisible();
  await expect(row(ada, '<b>x.jpg')).toBeVisible();
  const before = await fetch(`${server.url}${DRIVE}/content/inbox/photo.jpg`, { headers: { Authorization: `Bearer ${token}` } });
  expect(await before.text()).toBe('before');
  await ada.goto('/d/ada/drive/history/main');
  await expect(ada.getByText('From Käthe <img src=x onerror=alert(1)>: 3 files').first()).toBeVisible();
  await ada.goto('/account/notifications');
  await expect(ada.getByText('3 files arrived by your file request')).toBeVisible();
  await accessible(ada);
  await ada.getByRole('link', { name: 'Photos of the harbour' }).click();
  await expect(ada).toHaveURL(/\/drive\/inbox$/);
});

test('files are requested for the root of a dataset', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  await server.api('POST', '/api/v1/datasets', token, { id: 'ada/birds', visibility: 'private' });
  await fetch(`${server.url}/api/v1/drive/ada/birds/files/README.md`, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: '# Birds' });
  const ada = await newPage();
  await signIn(ada, 'ada');
  await ada.goto('/d/ada/birds/settings');
  await ada.getByRole('button', { name: 'Share', exact: true }).last().click();
  const dialog = ada.getByRole('dialog', { name: 'Share “ada/birds”' });
  await dialog.getByRole('button', { name: 'Request files' }).click();
  await dialog.getByLabel('Title').fill('Counts of birds');
  await dialog.getByRole('button', { name: 'Create link' }).click();
  const url = await dialog.locator('code').first().innerText();

  const guest = await newPage();
  await guest.goto(url);
  await expect(guest.getByRole('heading', { name: 'Counts of birds' })).toBeVisible();
  await expect(guest.getByText('birds', { exact: true })).toHaveCount(0);
  const file = (name: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(name) });
  await guest.getByLabel('Files to send').setInputFiles([file('README.md'), file('datapackage.json'), file('owls.csv')]);
  await guest.getByRole('button', { name: 'Send 3 files' }).click();
  await expect(guest.getByText('3 files were sent to ada.')).toBeVisible();
  await ada.goto('/d/ada/birds/tree/main');
  for (const name of ['README (2).md', 'datapackage (2).json', 'owls.csv']) await expect(row(ada, name)).toBeVisible();
});

test('the creator of a link is notified when it is opened, if they wish so', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  await server.api('POST', `${DRIVE}/folders`, token, { path: 'plans' });
  const ada = await newPage();
  await signIn(ada, 'ada');
  await ada.goto('/drive');
  await openShare(ada, 'plans');
  const dialog = ada.getByRole('dialog', { name: 'Share “plans”' });
  await dialog.getByRole('button', { name: 'Link', exact: true }).click();
  await dialog.getByRole('checkbox', { name: /^Notify me when it is opened/ }).check();
  await dialog.getByRole('button', { name: 'Create link' }).click();
  const url = await dialog.locator('code').first().innerText();
  await expect(dialog.getByText('notifies you')).toBeVisible();
  // By the owner it is not.
  await ada.goto(url);
  await expect(ada.getByText('Shared by ada')).toBeVisible();
  const guest = await newPage();
  await guest.goto(url);
  await expect(guest.getByText('Shared by ada')).toBeVisible();
  const opened = async () => (await (await server.api('GET', '/api/v1/user/notifications', token)).json()).items.map((one: { count: number }) => one.count);
  await expect.poll(opened).toEqual([1]);
  await ada.goto('/account/notifications');
  await expect(ada.getByText(/Your link to\s+plans\s+was opened/)).toBeVisible();
});

test('the e-mail about a share leads to the very file, after signing in', async ({ server, newPage }) => {
  const ada = await server.createUser('ada');
  await server.createUser('ben', PASSWORD);
  const path = 'plans/old harbour/pier.txt';
  const put = `${server.url}${DRIVE}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
  await fetch(put, { method: 'PUT', headers: { Authorization: `Bearer ${ada.token}` }, body: 'the pier' });
  await server.api('POST', '/api/v1/datasets/ada/drive/shares', ada.token, { path, with: { email: 'ben@example.org' }, right: 'view' });
  const folder = join(server.data, 'mail');
  let link = '';
  await expect(async () => {
    for (const name of await readdir(folder)) {
      const text = (await readFile(join(folder, name), 'utf8')).replace(/=\r?\n/g, '');
      link = text.match(/https?:\/\/\S+\/shared\/\S+/)?.[0] ?? link;
    }
    expect(link).toContain('/shared/ada/drive/plans/old%20harbour/pier.txt');
  }).toPass();
  const ben = await newPage();
  await ben.goto(link);
  await ben.getByRole('main').getByRole('link', { name: 'Sign in', exact: true }).click();
  await ben.getByLabel('User name or e-mail').fill('ben');
  await ben.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await ben.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(ben.getByText('the pier')).toBeVisible();
  expect(ben.url()).toBe(link);
});

test('people are found by the beginning of their names, with the keyboard', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  await server.createUser('bernd');
  const berta = await server.createUser('berta');
  await server.api('PATCH', '/api/v1/user', berta.token, { display_name: 'Berta <i>Meyer</i>' });
  await server.cli('token', 'add', 'ada', '--name', 'story').then((token) => server.api('POST', `${DRIVE}/folders`, token, { path: 'plans' }));
  const ada = await newPage();
  await signIn(ada, 'ada');
  await ada.goto('/drive');
  await openShare(ada, 'plans');
  const dialog = ada.getByRole('dialog', { name: 'Share “plans”' });
  const people = dialog.getByRole('combobox', { name: 'People' });
  await expect(people).toBeFocused();
  await people.pressSequentially('b');
  const options = dialog.getByRole('listbox', { name: 'Suggestions' }).getByRole('option');
  await people.pressSequentially('er');
  await expect(options).toHaveCount(2);
  await expect(people).toHaveAttribute('aria-expanded', 'true');
  await expect(options.nth(1)).toContainText('Berta <i>Meyer</i>');
  await accessible(ada);
  // Escape closes the list, and not the dialog.
  await people.press('Escape');
  await expect(options).toHaveCount(0);
  await expect(dialog).toBeVisible();
  await people.pressSequentially('t');
  await expect(options).toHaveCount(1);
  await people.press('ArrowDown');
  await expect(options.first()).toHaveAttribute('aria-selected', 'true');
  await expect(people).toHaveAttribute('aria-activedescendant', (await options.first().getAttribute('id')) ?? '');
  await people.press('Enter');
  await expect(people).toHaveValue('berta, ');
  // Several people, the next one with the pointer; a name that is there is not suggested again.
  await people.pressSequentially('be');
  await expect(options).toHaveCount(1);
  await options.first().click();
  await expect(people).toHaveValue('berta, bernd, ');
  await people.press('Enter');
  await expect(dialog.getByRole('listitem')).toHaveCount(2);
});
