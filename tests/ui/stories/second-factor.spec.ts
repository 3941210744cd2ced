// Two-factor authentication: setting it up, signing in with a code and a recovery code, and turning it off.

import { accessible, expect, PASSWORD, signUp, test, type Page } from '../story.ts';
import { code } from '../totp.ts';

async function enterPassword(page: Page, name: string): Promise<void> {
  await page.goto('/login?next=/account');
  await page.getByLabel('User name or e-mail').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Two-factor authentication' })).toBeVisible();
}

test('a user sets up two-factor authentication, signs in with codes, and turns it off', async ({ server, newPage }) => {
  const page = await newPage();
  await signUp(server, page, 'ada');
  await page.goto('/account');
  const section = page.getByRole('region', { name: 'Two-factor authentication' });
  await section.getByRole('button', { name: 'Set up' }).click();
  await expect(section.getByRole('img', { name: /QR code/ })).toBeVisible();
  await accessible(page);
  await section.getByRole('button', { name: 'Copy the key' }).click();
  const secret = await page.evaluate(() => navigator.clipboard.readText());
  await section.getByLabel('Code from the app').fill('000000');
  await section.getByRole('button', { name: 'Turn on' }).click();
  await expect(section.getByText(/code is wrong/)).toBeVisible();
  await section.getByLabel('Code from the app').fill(code(secret));
  await section.getByRole('button', { name: 'Turn on' }).click();

  const codes = section.getByRole('group', { name: 'Recovery codes' });
  await expect(codes.getByRole('listitem')).toHaveCount(10);
  await expect(codes).toBeFocused();
  await accessible(page);
  const download = page.waitForEvent('download');
  await codes.getByRole('link', { name: 'Download' }).click();
  expect((await download).suggestedFilename()).toBe('rutter-recovery-codes.txt');
  await codes.getByRole('button', { name: 'Copy the recovery codes' }).click();
  const [recovery = ''] = (await page.evaluate(() => navigator.clipboard.readText())).split('\n');
  await codes.getByRole('button', { name: 'I have kept them' }).click();
  await expect(section.getByText('10 recovery codes left')).toBeVisible();

  // A wrong code is refused in plain words; the next one of the app is accepted, by keyboard alone.
  const other = await newPage();
  await enterPassword(other, 'ada');
  await expect(other.getByLabel('Code', { exact: true })).toBeFocused();
  await accessible(other);
  await other.keyboard.type('000000');
  await other.keyboard.press('Enter');
  await expect(other.getByText(/code is wrong/)).toBeVisible();
  await other.getByLabel('Code', { exact: true }).fill(code(secret, 1));
  await other.keyboard.press('Enter');
  await expect(other.getByRole('heading', { level: 1, name: 'ada' })).toBeVisible();

  // A recovery code works, too.
  const third = await newPage();
  await enterPassword(third, 'ada');
  await third.getByRole('button', { name: 'Use a recovery code' }).click();
  await expect(third.getByLabel('Recovery code')).toBeFocused();
  await third.keyboard.type(recovery);
  await third.keyboard.press('Enter');
  await expect(third.getByText('9 recovery codes left')).toBeVisible();
  await third.getByRole('button', { name: 'Turn off…' }).click();
  await third.getByRole('dialog').getByRole('button', { name: 'Turn off' }).click();
  await expect(third.getByRole('button', { name: 'Set up' })).toBeVisible();
});

test('an administrator who must set it up can do nothing else', async ({ server, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  server.settings['RUTTER_ACCOUNTS__SECOND_FACTOR'] = 'admins';
  await server.crash();
  const page = await newPage();
  await page.goto('/login?next=/admin/users');
  await page.getByLabel('User name or e-mail').fill('root');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Set up two-factor authentication' })).toBeVisible();
  await accessible(page);
  await page.goto('/drive');
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('button', { name: 'Copy the key' }).click();
  await page.getByLabel('Code from the app').fill(code(await page.evaluate(() => navigator.clipboard.readText())));
  await page.getByRole('button', { name: 'Turn on' }).click();
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();
});
