// Recipients can find, bookmark and download what is shared with them, and nothing becomes public by
// mistake.

import { expect, PASSWORD, row, signIn, test } from '../story.ts';

test('a link stays in the URL, asks for its password once and can be copied again by its owner', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  for (const path of ['plans/harbour.txt', 'plans/old/pier.txt']) {
    const url = `${server.url}/api/v1/drive/ada/drive/files/${path}`;
    const answer = await fetch(url, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: `the ${path}` });
    expect(answer.ok).toBe(true);
  }
  const share = { path: 'plans', with: { link: true }, right: 'view', password: PASSWORD };
  const made = await (await server.api('POST', '/api/v1/datasets/ada/drive/shares', token, share)).json();
  const secret = new URL(made.url).hash;

  const unlock = async (page: Awaited<ReturnType<typeof newPage>>) => {
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Open' }).click();
  };
  const guest = await newPage();
  await guest.goto(made.url);
  await unlock(guest);
  await row(guest, 'old').click();
  await expect(row(guest, 'pier.txt')).toBeVisible();
  expect(new URL(guest.url()).hash, 'the URL is still the link').toBe(secret);
  await guest.reload();
  await expect(row(guest, 'pier.txt'), 'no password in the same tab').toBeVisible();
  // Download everything from a subfolder.
  const download = guest.waitForEvent('download');
  await guest.getByRole('button', { name: 'Download all' }).click();
  expect((await download).suggestedFilename()).toBe('plans.zip');

  // For another person, the same URL opens the same folder after the password.
  const other = await newPage();
  await other.goto(guest.url());
  await unlock(other);
  await expect(row(other, 'pier.txt')).toBeVisible();

  // The owner copies the link again.
  const ada = await newPage();
  await signIn(ada, 'ada');
  await ada.goto('/shared?by=me');
  await ada.getByRole('button', { name: /^More actions for/ }).click();
  await ada.getByRole('menuitem', { name: 'Copy link' }).click();
  await expect(ada.getByText('Link copied.')).toBeVisible();
  expect(await ada.evaluate(() => navigator.clipboard.readText())).toBe(made.url);

  // Changing the password ends open sessions, so the page asks again.
  await server.api('PATCH', `/api/v1/datasets/ada/drive/shares/${made.id}`, token, { password: 'another one' });
  await guest.reload();
  await expect(guest.getByRole('heading', { name: 'Password required' })).toBeVisible();
});

test('new shares are marked until they were seen', async ({ server, newPage }) => {
  const ada = await server.createUser('ada');
  await server.createAdministrator('ben', PASSWORD);
  await server.api('POST', '/api/v1/drive/ada/drive/folders', ada.token, { path: 'plans' });
  const ben = await newPage();
  await signIn(ben, 'ben');
  await ben.goto('/drive');
  const tab = ben.getByRole('navigation', { name: 'Drive' }).getByRole('link', { name: /Shared/ });
  await expect(tab).toHaveText('Shared');
  await server.api('POST', '/api/v1/datasets/ada/drive/shares', ada.token, { path: 'plans', with: { user: 'ben' }, right: 'view' });
  await ben.reload();
  await expect(tab).toHaveText(/1 new/);
  await tab.click();
  await expect(ben.getByRole('row', { name: /plans/ }).getByText('new')).toBeVisible();
  await expect(tab).toHaveText('Shared');
  await ben.goto('/drive');
  await expect(ben.getByRole('heading', { name: 'My drive' })).toBeVisible();
  await expect(tab).toHaveText('Shared');
});

test('a dataset becomes public only after confirmation, and unsaved changes are not lost', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  await server.api('POST', '/api/v1/datasets', token, { id: 'ada/birds', visibility: 'private' });
  const seen = async () => (await (await server.api('GET', '/api/v1/datasets/ada/birds', token)).json()).visibility;
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds/settings');
  const section = page.getByRole('region', { name: 'Visibility' });
  const save = section.getByRole('button', { name: 'Save' });
  await expect(save).toBeDisabled();
  await section.getByRole('radio', { name: /Public/ }).check();
  await save.click();
  const dialog = page.getByRole('dialog', { name: 'Make ada/birds public?' });
  await expect(dialog.getByText('Everyone', { exact: true })).toBeVisible();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect(await seen()).toBe('private');

  // Leaving the page asks about unsaved changes.
  await page.getByRole('link', { name: 'rutter, home' }).click();
  const leaving = page.getByRole('dialog', { name: 'Leave without saving?' });
  await leaving.getByRole('button', { name: 'Stay' }).click();
  await expect(page).toHaveURL(/settings/);
  await save.click();
  await dialog.getByRole('button', { name: 'Make public' }).click();
  await expect(page.getByText('The dataset is now public.')).toBeVisible();
  expect(await seen()).toBe('public');
  // Making it private needs no confirmation.
  await section.getByRole('radio', { name: /Private/ }).check();
  await save.click();
  await expect(page.getByText('The dataset is now private.')).toBeVisible();
  expect(await seen()).toBe('private');

  await page.getByLabel('Branches and tags').fill('release/*');
  await page.getByRole('link', { name: 'rutter, home' }).click();
  await leaving.getByRole('button', { name: 'Leave' }).click();
  await expect(page).not.toHaveURL(/settings/);
});
