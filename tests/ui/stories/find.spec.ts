// One search, the command palette, the file finder and stars.

import { expect, PASSWORD, test } from '../story.ts';

test('search, palette, file finder and stars', async ({ server, newPage }) => {
  const ada = await server.createUser('ada', PASSWORD);
  const create = async (id: string, visibility: string, title: string, files: Record<string, string>) => {
    await server.api('POST', '/api/v1/datasets', ada.token, { id, visibility, package: { name: 'p', title, resources: [] } });
    const operations = Object.entries(files).map(([path, content]) => ({ operation: 'put', path, content }));
    await server.api('POST', `/api/v1/datasets/${id}/commits`, ada.token, { message: 'files', operations });
  };
  await create('ada/birds', 'public', 'Birds of the coast', { 'counts/gulls 2024.csv': 'a\n1\n', 'counts/terns.csv': 'a\n1\n', 'README.md': '# Notes\nGulls were counted at dawn.\n' });
  await create('ada/plans', 'private', 'Plans', { 'gull-plan.md': '# Plan\n' });
  const upload = await fetch(`${server.url}/api/v1/drive/ada/drive/files/gulls.txt`, { method: 'PUT', headers: { authorization: `Bearer ${ada.token}` }, body: 'x' });
  expect(upload.status).toBe(201);

  const page = await newPage();
  await page.goto('/login');
  await page.getByLabel('User name or e-mail').fill('ada');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page).not.toHaveURL(/login/);

  // The search says what matches, and where.
  await expect(async () => {
    await page.goto('/search?q=gull');
    await expect(page.getByText('2 datasets')).toBeVisible({ timeout: 1000 });
  }).toPass();
  const birds = page.getByRole('list', { name: 'Search results' }).getByRole('listitem').filter({ hasText: 'ada/birds' });
  await expect(birds.getByRole('link', { name: 'counts/gulls 2024.csv' })).toBeVisible();
  await expect(birds.locator('mark')).toHaveText(['gulls', 'Gulls']);
  await expect(birds).toContainText('were counted at dawn.');
  await expect(page.getByRole('region', { name: 'My drive' }).getByRole('link', { name: 'gulls.txt' })).toBeVisible();
  await page.getByRole('navigation', { name: 'Search in' }).getByRole('link', { name: 'My drive' }).click();
  await expect(page.getByRole('link', { name: 'gulls.txt' })).toBeVisible();
  await page.getByRole('navigation', { name: 'Search in' }).getByRole('link', { name: 'Files' }).click();
  await birds.getByRole('link', { name: 'counts/gulls 2024.csv' }).click();
  await expect(page).toHaveURL(/\/d\/ada\/birds\/file\/main\/counts\/gulls%202024\.csv$/);

  // The palette, with the keyboard alone.
  const palette = page.getByRole('dialog', { name: 'Command palette' });
  const field = palette.getByRole('combobox');
  await page.getByRole('button', { name: 'Command palette' }).focus();
  await page.keyboard.press('Control+k');
  await expect(field).toBeFocused();
  const chosen = palette.getByRole('option', { selected: true });
  await expect(chosen).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Command palette' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(field).toBeFocused();
  await page.keyboard.type('gul');
  await expect(palette.getByRole('group', { name: 'Files in datasets' }).getByRole('option')).toHaveCount(2);
  await expect(palette.getByRole('group', { name: 'My drive' }).getByRole('option')).toContainText(['gulls.txt']);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('shortcuts');
  await expect(chosen).toContainText('Keyboard shortcuts');
  expect(await field.getAttribute('aria-activedescendant')).toBe(await chosen.getAttribute('id'));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toContainText('Open the command palette');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await expect(field).toBeFocused();
  await page.keyboard.type('coast');
  await expect(palette.getByRole('group', { name: 'Datasets', exact: true }).getByRole('option')).toHaveCount(1);
  while ((await chosen.textContent())?.includes('Birds of the coast') !== true) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Birds of the coast', level: 1 })).toBeVisible();

  // `t` finds a file of the dataset, in the revision that is shown.
  await page.keyboard.press('t');
  const finder = page.getByRole('dialog', { name: 'Find a file' });
  await expect(finder.getByRole('option')).toHaveCount(4);
  await page.keyboard.type('co/te');
  await expect(finder.getByRole('option')).toHaveText(['counts/terns.csv']);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/file\/main\/counts\/terns\.csv$/);

  // Stars.
  const star = page.getByRole('button', { name: 'Star', exact: true });
  await star.click();
  await expect(star).toHaveAttribute('aria-pressed', 'true');
  await page.goto('/');
  await page.getByRole('region', { name: 'Starred' }).getByRole('link', { name: 'Show all' }).click();
  await expect(page.getByRole('list', { name: 'Search results' }).getByRole('listitem')).toHaveCount(1);
  await expect(page.getByRole('heading', { name: 'Starred datasets' })).toBeVisible();

  // Others see the number of stars, and find only what is public.
  const visitor = await newPage();
  await visitor.goto('/d/ada/birds');
  await expect(visitor.getByTitle('Starred by 1 user')).toBeVisible();
  await visitor.goto('/search');
  await visitor.getByLabel('Sort by').selectOption('Most stars');
  await expect(visitor).toHaveURL(/sort=stars/);
  await expect(visitor.getByRole('list', { name: 'Search results' }).getByRole('listitem')).toHaveCount(1);
  await visitor.goto('/d/ada/birds');
  await expect(visitor.getByTitle('Starred by 1 user')).toBeVisible();
  await visitor.keyboard.press('Control+k');
  await expect(visitor.getByRole('combobox')).toBeFocused();
  await visitor.keyboard.type('gull');
  await expect(visitor.getByRole('group', { name: 'Files in datasets' }).getByRole('option')).toHaveCount(1);
  await expect(visitor.getByRole('group', { name: 'My drive' })).toHaveCount(0);
});
