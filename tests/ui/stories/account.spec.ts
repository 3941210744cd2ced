// One's own account: two names, one of them with any letters, and nothing chosen beforehand that destroys data.

import { accessible, expect, PASSWORD, test } from '../story.ts';

test('somebody with an accent and a space in the name signs up, looks around and does not lose data', async ({ house, visitor }) => {
  const page = await visitor();
  await page.goto('/signup');
  await page.getByLabel('Your name').fill('Käthe Müller');
  const name = page.getByLabel('User name');
  await expect(name).toHaveValue('kathe-muller');
  // What was written by hand stays, and what cannot be is refused with what would do.
  await name.fill('Käthe Müller');
  await page.getByLabel('Your name').fill('Käthe E. Müller');
  await page.getByLabel('E-mail').fill('kathe@example.org');
  await page.getByRole('button', { name: 'Send me the link' }).click();
  await expect(page.getByText('It must not contain spaces, as in “kathe-muller”.')).toBeVisible();
  await name.fill('käthe');
  await page.getByRole('button', { name: 'Send me the link' }).click();
  await expect(page.getByText(/letters a to z without accents.*“kathe”/)).toBeVisible();
  await accessible(page);
  await name.fill('kathe');
  await page.getByRole('button', { name: 'Send me the link' }).click();
  await page.goto(await house.link('kathe@example.org', 'verify'));
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();

  await page.goto('/account');
  await expect(page.getByRole('heading', { level: 1, name: 'Käthe E. Müller' })).toBeVisible();
  await expect(page.getByText('in use now')).toBeVisible();
  await expect(page.getByText(/Tokens go on working/)).toBeVisible();

  // Nothing is chosen of what becomes of the datasets.
  await page.getByRole('button', { name: 'Close the account…' }).click();
  const dialog = page.getByRole('dialog');
  const close = dialog.getByRole('button', { name: 'Close the account' });
  await expect(dialog.getByLabel('My datasets')).toHaveValue('');
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await dialog.getByLabel('Type kathe to confirm').fill('kathe');
  await expect(close).toBeDisabled();
  await accessible(page);
  await dialog.getByLabel('My datasets').selectOption('are removed with the account');
  await close.click();
  await expect(page.getByText(/The account is closed/)).toBeVisible();

  // One's own visits are no refusals in the trail, and whoever looks is there now.
  await house.administrator('root', PASSWORD);
  const root = await visitor();
  await root.goto('/login?next=/drive');
  await root.getByLabel('Name or e-mail').fill('root');
  await root.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await root.getByRole('button', { name: 'Sign in' }).click();
  await expect(root.getByRole('heading', { name: 'My drive' })).toBeVisible();
  await root.goto('/admin/audit');
  await expect(root.getByText('user.close').filter({ visible: true })).toBeVisible();
  await expect(root.getByText('access.refused')).toHaveCount(0);
  await root.goto('/admin/users');
  await expect(root.getByRole('row', { name: /^root/ }).getByRole('cell', { name: 'now', exact: true })).toBeVisible();
});
