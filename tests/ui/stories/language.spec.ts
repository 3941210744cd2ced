// A browser that prefers German gets the pages in German, from the first paint on; users can choose another language, which is
// kept. Dates, numbers and plurals follow.

import { accessible, expect, PASSWORD, readable, test, type Page } from '../story.ts';

test('the pages speak the language of the browser, or the one that the user has chosen', async ({ browser, server }) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = (await server.cli('token', 'add', 'ada', '--name', 'story')).trim();
  const put = async (path: string, body: string) => {
    const answer = await fetch(`${server.url}/api/v1/drive/ada/drive/files/${path}`, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body });
    expect(answer.ok).toBe(true);
  };
  await put('Notizen.md', '# Notizen\n');
  await put('Messwerte.csv', 'ort,wert\nKiel,1\nJena,2\n');
  expect((await server.api('POST', '/api/v1/datasets', token, { id: 'ada/vogel', visibility: 'private' })).ok).toBe(true);

  const context = await browser.newContext({ baseURL: server.url, locale: 'de-AT' });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  const scripts: string[] = [];
  page.on('request', (request) => request.resourceType() === 'script' && scripts.push(new URL(request.url()).pathname));
  const language = () => page.evaluate(() => document.documentElement.lang);

  await page.goto('/');
  await expect(page.getByRole('link', { name: 'Anmelden' }).first()).toBeVisible();
  expect(await language()).toBe('de');
  expect(new Set(scripts).size, 'no script is loaded twice').toBe(scripts.length);
  const german = scripts.filter((path) => path.endsWith('.de.js'));
  expect(german.length).toBeGreaterThan(3);
  expect(german.filter((path) => scripts.includes(path.replace('.de.js', '.js'))), 'nothing is loaded in two languages').toEqual([]);

  // Signing in, with an error of the server, which is in English.
  await page.getByRole('link', { name: 'Anmelden' }).first().click();
  await expect(page).toHaveTitle('Anmelden · rutter');
  await accessible(page);
  await page.getByLabel('Benutzername oder E-Mail').fill('ada');
  await page.getByLabel('Passwort', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Anmelden', exact: true }).click();
  await expect(page).not.toHaveURL(/login/);

  const seen = async (path: string, text: string | RegExp) => {
    await page.goto(path);
    await expect(page.getByText(text).first()).toBeVisible();
    await readable(page);
  };
  await seen('/', /^Guten (Morgen|Tag|Abend)/);
  await accessible(page);
  await seen('/d/ada/vogel', 'Dieser Datensatz hat noch keine Dateien');
  await seen('/drive', '2 Elemente');
  await accessible(page);
  await seen('/drive/Messwerte.csv', '2 Zeilen, 2 Spalten');
  await seen('/account', 'Anmeldemöglichkeiten');
  await accessible(page);

  await page.goto('/drive');
  await page.getByRole('row', { name: /Notizen/ }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Teilen …' }).click();
  const dialog = page.getByRole('dialog', { name: '„Notizen.md“ teilen' });
  await expect(dialog.getByText('Nur Sie und Personen mit Zugriff auf die ganze Ablage')).toBeVisible();
  await accessible(page);
  await page.keyboard.press('Escape');

  // On a phone.
  await page.setViewportSize({ width: 390, height: 800 });
  await seen('/drive', 'Notizen.md');
  await page.setViewportSize({ width: 1280, height: 800 });

  // English, until the user chooses German again.
  const choose = async (name: string, menu: RegExp) => {
    await page.getByRole('button', { name: menu }).click();
    await page.getByRole('menuitemradio', { name, exact: true }).click();
  };
  await choose('English', /Konto von ada/);
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();
  expect(await language()).toBe('en');
  await page.reload();
  await expect(page.getByText('2 items')).toBeVisible();
  await choose('Deutsch', /Account of ada/);
  await expect(page.getByRole('heading', { name: 'Meine Ablage' })).toBeVisible();
  await page.reload();
  await expect(page.getByText('2 Elemente')).toBeVisible();
  await context.close();

  // A language that there is not: English. It can be chosen without an account, too.
  const other = await browser.newContext({ baseURL: server.url, locale: 'fr-FR' });
  const visitor: Page = await other.newPage();
  visitor.on('pageerror', (error) => problems.push(error.message));
  await visitor.goto('/');
  await expect(visitor.getByRole('link', { name: 'Sign in', exact: true }).first()).toBeVisible();
  await visitor.getByRole('button', { name: 'Appearance and language' }).click();
  await visitor.getByRole('menuitemradio', { name: 'Deutsch' }).click();
  await expect(visitor.getByRole('link', { name: 'Anmelden' }).first()).toBeVisible();
  await other.close();
  expect(problems).toEqual([]);
});
