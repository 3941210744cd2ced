// Everything works with the keyboard alone.

import type { Locator } from '@playwright/test';
import { expect, PASSWORD, row, test, type Page } from '../story.ts';

/** Presses Tab until the element has the focus. */
async function reach(page: Page, what: Locator): Promise<void> {
  await expect(what).toBeVisible();
  for (let steps = 0; steps < 60; steps += 1) {
    if (await what.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${what}`);
}

const press = async (page: Page, ...keys: string[]) => {
  for (const key of keys) await page.keyboard.press(key);
};

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('a drive, its trash, a share and a quota with the keyboard alone', async ({ server, newPage }) => {
  await server.createAdministrator('ada', PASSWORD);
  const page = await newPage();

  await page.goto('/login');
  await reach(page, page.getByLabel('User name or e-mail'));
  await page.keyboard.type('ada');
  await reach(page, page.getByLabel('Password', { exact: true }));
  await page.keyboard.type(PASSWORD);
  await press(page, 'Enter');
  await expect(page).not.toHaveURL(/login/);

  // The page header can be skipped.
  await page.goto('/drive');
  await reach(page, page.getByRole('link', { name: 'Skip to content' }));
  await press(page, 'Enter');
  await expect(page.getByRole('main')).toBeFocused();

  // Create two folders, rename one and delete it.
  for (const name of ['maps', 'plans']) {
    await reach(page, button(page, 'New folder'));
    await press(page, 'Enter');
    await reach(page, page.getByRole('dialog').getByLabel('Name'));
    await page.keyboard.type(name);
    await press(page, 'Enter');
    await expect(row(page, name)).toBeVisible();
  }
  await reach(page, page.getByRole('row', { name: 'plans' }));
  await press(page, 'Home');
  await expect(page.getByRole('row', { name: 'maps' })).toBeFocused();
  await press(page, 'ArrowDown', 'F2', 'Control+a');
  await page.keyboard.type('charts');
  await press(page, 'Enter');
  await expect(row(page, 'charts')).toBeVisible();
  await expect(page.getByRole('row', { name: 'charts' })).toBeFocused();
  await press(page, 'Delete');
  await expect(page.getByText('“charts” moved to trash.')).toBeVisible();
  await expect(row(page, 'charts')).toHaveCount(0);

  await press(page, 'g', 't');
  await expect(page.getByRole('heading', { name: 'Trash' })).toBeVisible();
  await reach(page, button(page, 'Restore charts'));
  await press(page, 'Enter');
  await expect(page.getByText('“charts” restored')).toBeVisible();

  // A dialog traps the focus and restores it.
  await press(page, 'g', 'd');
  await reach(page, page.getByRole('row', { name: 'charts' }));
  await press(page, 'Space');
  await reach(page, button(page, 'Share'));
  await press(page, 'Enter');
  const dialog = page.getByRole('dialog', { name: 'Share “charts”' });
  await expect(dialog).toBeVisible();
  for (let steps = 0; steps < 20; steps += 1) {
    await press(page, 'Tab');
    expect(await dialog.evaluate((element) => element.contains(document.activeElement) || document.activeElement === document.body)).toBe(true);
  }
  await press(page, 'Escape');
  await expect(dialog).toHaveCount(0);
  await expect(button(page, 'Share')).toBeFocused();

  // A menu focuses its first item.
  await page.goto('/admin/usage');
  await reach(page, button(page, 'Actions for ada'));
  await press(page, 'Enter');
  await expect(page.getByRole('menuitem', { name: 'Change quota…' })).toBeFocused();
  await press(page, 'Escape');
  await expect(button(page, 'Actions for ada')).toBeFocused();
  await press(page, 'Enter', 'Enter');
  await reach(page, page.getByLabel('Limit'));
  await press(page, 'ArrowUp');
  await reach(page, page.getByLabel('GB'));
  await page.keyboard.type('2.5');
  await press(page, 'Enter');
  await expect(page.getByText('Quota of ada changed.')).toBeVisible();
  await expect(page.getByRole('row', { name: /^ada/ })).toContainText('2.50 GB');
});
