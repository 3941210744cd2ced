// What is shared can be kept, found and taken along by those whom it is for, and nothing is shared with everybody by
// mistake.

import { expect, PASSWORD, row, signIn, test } from '../story.ts';

test('a link stays in the address, asks for its password once, and is copied again by its owner', async ({ house, visitor }) => {
  await house.administrator('ada', PASSWORD);
  const token = await house.cli('token', 'add', 'ada', '--name', 'story');
  await house.api('GET', '/api/v1/drive', token);
  for (const path of ['plans/harbour.txt', 'plans/old/pier.txt']) {
    const url = `${house.url}/api/v1/drive/ada/drive/files/${path}`;
    const answer = await fetch(url, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: `the ${path}` });
    expect(answer.ok).toBe(true);
  }
  const share = { path: 'plans', with: { link: true }, right: 'view', password: PASSWORD };
  const made = await (await house.api('POST', '/api/v1/datasets/ada/drive/shares', token, share)).json();
  const secret = new URL(made.url).hash;

  const unlock = async (page: Awaited<ReturnType<typeof visitor>>) => {
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Open' }).click();
  };
  const guest = await visitor();
  await guest.goto(made.url);
  await unlock(guest);
  await row(guest, 'old').click();
  await expect(row(guest, 'pier.txt')).toBeVisible();
  expect(new URL(guest.url()).hash, 'the address is still the link').toBe(secret);
  await guest.reload();
  await expect(row(guest, 'pier.txt'), 'no password for the same tab').toBeVisible();
  // All of it, by one button, from wherever one is.
  const download = guest.waitForEvent('download');
  await guest.getByRole('button', { name: 'Download all' }).click();
  expect((await download).suggestedFilename()).toBe('plans.zip');

  // The address, sent to somebody else, leads to the same folder, after the password.
  const other = await visitor();
  await other.goto(guest.url());
  await unlock(other);
  await expect(row(other, 'pier.txt')).toBeVisible();

  // Whoever made it copies it once more.
  const ada = await visitor();
  await signIn(ada, 'ada');
  await ada.goto('/shared?by=me');
  await ada.getByRole('button', { name: /More about the share/ }).click();
  await ada.getByRole('menuitem', { name: 'Copy the link' }).click();
  await expect(ada.getByText('The link is copied.')).toBeVisible();
  expect(await ada.evaluate(() => navigator.clipboard.readText())).toBe(made.url);

  // Changed, what was opened has ended; the page asks again.
  await house.api('PATCH', `/api/v1/datasets/ada/drive/shares/${made.id}`, token, { password: 'another one' });
  await guest.reload();
  await expect(guest.getByRole('heading', { name: 'This link has a password' })).toBeVisible();
});

test('what is new under Shared is told until it was seen', async ({ house, visitor }) => {
  const ada = await house.person('ada');
  await house.administrator('ben', PASSWORD);
  await house.api('GET', '/api/v1/drive', ada.token);
  await house.api('POST', '/api/v1/drive/ada/drive/folders', ada.token, { path: 'plans' });
  const ben = await visitor();
  await signIn(ben, 'ben');
  await ben.goto('/drive');
  const tab = ben.getByRole('navigation', { name: 'Drive' }).getByRole('link', { name: /Shared/ });
  await expect(tab).toHaveText('Shared');
  await house.api('POST', '/api/v1/datasets/ada/drive/shares', ada.token, { path: 'plans', with: { user: 'ben' }, right: 'view' });
  await ben.reload();
  await expect(tab).toHaveText(/1 new/);
  await tab.click();
  await expect(ben.getByRole('row', { name: /plans/ }).getByText('new')).toBeVisible();
  await expect(tab).toHaveText('Shared');
  await ben.goto('/drive');
  await expect(ben.getByRole('heading', { name: 'My drive' })).toBeVisible();
  await expect(tab).toHaveText('Shared');
});

test('a dataset is public only after a word, and nothing unsaved is lost', async ({ house, visitor }) => {
  await house.administrator('ada', PASSWORD);
  const token = await house.cli('token', 'add', 'ada', '--name', 'story');
  await house.api('POST', '/api/v1/datasets', token, { id: 'ada/birds', visibility: 'private' });
  const seen = async () => (await (await house.api('GET', '/api/v1/datasets/ada/birds', token)).json()).visibility;
  const page = await visitor();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds/settings');
  const section = page.getByRole('region', { name: 'Visibility' });
  const save = section.getByRole('button', { name: 'Save' });
  await expect(save).toBeDisabled();
  await section.getByRole('radio', { name: /Public/ }).check();
  await save.click();
  const dialog = page.getByRole('dialog', { name: 'Make ada/birds public?' });
  await expect(dialog.getByText('Everybody', { exact: true })).toBeVisible();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect(await seen()).toBe('private');

  // Not saved, and so not left without a word.
  await page.getByRole('link', { name: 'rutter, home' }).click();
  const leaving = page.getByRole('dialog', { name: 'Leave without saving?' });
  await leaving.getByRole('button', { name: 'Stay' }).click();
  await expect(page).toHaveURL(/settings/);
  await save.click();
  await dialog.getByRole('button', { name: 'Make it public' }).click();
  await expect(page.getByText('The dataset is public.')).toBeVisible();
  expect(await seen()).toBe('public');
  // To close it is no danger, and done at once.
  await section.getByRole('radio', { name: /Private/ }).check();
  await save.click();
  await expect(page.getByText('The dataset is private.')).toBeVisible();
  expect(await seen()).toBe('private');

  await page.getByLabel('Title').fill('Birds of the harbour');
  await page.getByRole('link', { name: 'rutter, home' }).click();
  await leaving.getByRole('button', { name: 'Leave' }).click();
  await expect(page).not.toHaveURL(/settings/);
});
