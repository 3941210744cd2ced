// Platform roles of an organisation: assigned one by one, and from a file with a preview.

import { accessible, expect, signIn, PASSWORD, test } from '../story.ts';

test('an owner assigns platform roles, and imports a file after a preview', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  for (const name of ['ben', 'cleo']) await server.createUser(name);
  const page = await newPage();
  await signIn(page, 'ada');
  await page.request.post('/api/v1/organisations', { data: { name: 'harbours' }, headers: { Origin: server.url } });
  await page.goto('/o/harbours?show=roles');
  await expect(page.getByText('No platform roles yet')).toBeVisible();

  await page.getByRole('button', { name: 'Add role' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('User name').fill('unknown');
  await dialog.getByRole('button', { name: 'Add role' }).click();
  await expect(dialog.getByText(/no user “unknown”/)).toBeVisible();
  await dialog.getByLabel('User name').fill('ben');
  await dialog.getByLabel('Platform role').selectOption('viewer');
  await accessible(page);
  await dialog.getByRole('button', { name: 'Add role' }).click();
  const row = page.getByRole('row', { name: /^ben/ });
  await expect(row).toContainText('reader');
  await page.getByLabel('Platform role of ben', { exact: true }).selectOption('engineer');
  await expect(row).toContainText('writer');

  // A file with a wrong line changes nothing, and the message names the line.
  const file = page.getByLabel('File of platform roles');
  const choose = (text: string) => file.setInputFiles({ name: 'roles.toml', mimeType: 'application/toml', buffer: Buffer.from(text) });
  await choose('[roles]\ncleo = "analyst"\nben = "king"\n');
  await expect(page.getByText(/line 3: “king” is not a platform role/)).toBeVisible();
  await expect(page.getByRole('dialog')).toBeHidden();

  // The preview shows the changes; only then are they made.
  await choose('[roles]\ncleo = "scientist"\n');
  const changes = page.getByRole('list', { name: 'Changes' });
  await expect(changes.getByRole('listitem')).toHaveText(['ben is no longer engineer', 'cleo becomes scientist, and becomes writer of the organisation']);
  await accessible(page);
  await expect(row).toBeAttached();
  await page.getByRole('button', { name: 'Change 2 roles' }).click();
  await expect(page.getByRole('row', { name: /^cleo/ })).toContainText('writer');
  await expect(row).toHaveCount(0);
  await page.getByRole('button', { name: 'Remove platform role of cleo' }).click();
  await expect(page.getByText('No platform roles yet')).toBeVisible();
});
