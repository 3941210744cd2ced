// Accounts: display name and user name, and no destructive default when closing the account.

import { accessible, expect, PASSWORD, test } from '../story.ts';

test('a user with accents and spaces in the display name signs up and closes the account', async ({ server, newPage }) => {
  const page = await newPage();
  await page.goto('/signup');
  await page.getByLabel('Display name').fill('Käthe Müller');
  const name = page.getByLabel('User name');
  await expect(name).toHaveValue('kathe-muller');
  // A name typed by the user is kept, and an invalid one is rejected with a suggestion.
  await name.fill('Käthe Müller');
  await page.getByLabel('Display name').fill('Käthe E. Müller');
  await page.getByLabel('E-mail').fill('kathe@example.org');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByText('User names cannot contain spaces. Try “kathe-muller”.')).toBeVisible();
  await name.fill('käthe');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByText(/letters a–z without accents.*“kathe”/)).toBeVisible();
  await accessible(page);
  await name.fill('kathe');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.goto(await server.emailLink('kathe@example.org', 'verify'));
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();

  await page.goto('/account');
  await expect(page.getByRole('heading', { level: 1, name: 'Käthe E. Müller' })).toBeVisible();
  await expect(page.getByText('active now')).toBeVisible();
  await expect(page.getByText(/Tokens keep working/)).toBeVisible();

  // There is no default for the datasets.
  await page.getByRole('button', { name: 'Close account…' }).click();
  const dialog = page.getByRole('dialog');
  const close = dialog.getByRole('button', { name: 'Close account' });
  await expect(dialog.getByLabel('My datasets')).toHaveValue('');
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await dialog.getByLabel('Type kathe to confirm').fill('kathe');
  await expect(close).toBeDisabled();
  await accessible(page);
  await dialog.getByLabel('My datasets').selectOption('Delete with the account');
  await close.click();
  await expect(page.getByText(/Your account is closed/)).toBeVisible();

  // Own visits are not logged as refusals, and the viewer is shown as active now.
  await server.createAdministrator('root', PASSWORD);
  const root = await newPage();
  await root.goto('/login?next=/drive');
  await root.getByLabel('User name or e-mail').fill('root');
  await root.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await root.getByRole('button', { name: 'Sign in' }).click();
  await expect(root.getByRole('heading', { name: 'My drive' })).toBeVisible();
  await root.goto('/admin/audit');
  await expect(root.getByText('user.close').filter({ visible: true })).toBeVisible();
  await expect(root.getByText('access.refused')).toHaveCount(0);
  await root.goto('/admin/users');
  await expect(root.getByRole('row', { name: /^root/ }).getByRole('cell', { name: 'now', exact: true })).toBeVisible();
});
