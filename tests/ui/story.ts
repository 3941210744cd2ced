// What every story has: a server of its own, pages whose console must stay silent, and eyes for what people with
// disabilities meet.

import { AxeBuilder } from '@axe-core/playwright';
import { test as base, expect, type Browser, type BrowserContext, type Page } from '@playwright/test';
import { House } from './house.ts';

export { expect, type Page };

interface Fixtures {
  house: House;
  /** Somebody at a browser of their own. */
  visitor: () => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern -- what Playwright wants
  house: async ({}, use) => {
    const house = await House.open();
    await use(house);
    await house.close();
  },
  visitor: async ({ browser, house }, use) => {
    const contexts: BrowserContext[] = [];
    const complaints: string[] = [];
    await use(() => arrive(browser, house, contexts, complaints));
    for (const context of contexts) await context.close();
    expect(complaints, 'what the console said').toEqual([]);
  },
});

async function arrive(browser: Browser, house: House, contexts: BrowserContext[], complaints: string[]): Promise<Page> {
  const context = await browser.newContext({ baseURL: house.url, permissions: ['clipboard-read', 'clipboard-write'] });
  contexts.push(context);
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    // The browser itself reports every answer of 400 and above, and what it asked for without a network; the pages show those.
    const answer = /^Failed to load resource: (the server responded with a status of 4|net::ERR_INTERNET_DISCONNECTED)/.test(message.text());
    if (message.type() === 'error' && !answer) complaints.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

/** What axe takes lightly or leaves out, and people who use another thing than eyes and mouse do not. */
const STRICT = ['label-content-name-mismatch', 'landmark-unique', 'region'];

/** What axe finds that is serious, by all its rules or by these; the story goes on only if that is nothing. */
export async function accessible(page: Page, rules?: string[]): Promise<void> {
  const axe = new AxeBuilder({ page });
  const strict = Object.fromEntries(STRICT.map((rule) => [rule, { enabled: true }]));
  const found = await (rules ? axe.withRules(rules) : axe.options({ rules: strict })).analyze();
  const serious = found.violations.filter((one) => STRICT.includes(one.id) || one.impact === 'serious' || one.impact === 'critical');
  const told = serious.map((one) => `${one.id}: ${one.help} (${one.nodes.map((node) => node.target.join(' ')).join(', ')})`);
  expect(told, `axe on ${page.url()}`).toEqual([]);
}

/** By how much what is seen has moved since the page was opened, without what the reader has done: its layout shift score. */
export function shift(page: Page): Promise<number> {
  return page.evaluate(async () => {
    let sum = 0;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!entry.hadRecentInput) sum += entry.value;
      }
    });
    observer.observe({ type: 'layout-shift', buffered: true });
    // What was before is told in a task of its own.
    await new Promise((told) => setTimeout(told, 50));
    return sum;
  });
}

/** Signs up as somebody without an account would, by the letter; ends on the page of the drive. */
export async function signUp(house: House, page: Page, name: string): Promise<string> {
  const email = `${name}@example.org`;
  await page.goto('/signup');
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Send me the link' }).click();
  await expect(page.getByRole('heading', { name: 'Look into your mail' })).toBeVisible();
  await page.goto(await house.link(email, 'verify'));
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();
  expect(page.url(), 'the secret of the letter has left the address').not.toContain('#');
  return email;
}

export const PASSWORD = 'a boat on the river';

/** Signs in. */
export async function signIn(page: Page, name: string): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Name or e-mail').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).not.toHaveURL(/login/);
}

/** Gives files to the page of a folder, and waits until they are there. */
export async function upload(page: Page, ...files: string[]): Promise<void> {
  await page.getByLabel('Files to upload').setInputFiles(files);
  await expect(uploads(page).getByText(/^(Done|Nothing new)/).first()).toBeVisible({ timeout: 240_000 });
  await uploads(page).getByRole('button', { name: 'Close the list' }).click();
}

/** Drops files and folders on the page as the window system does it: only so the page gets folders. */
export async function drop(page: Page, ...files: string[]): Promise<void> {
  const browser = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await browser.send('Input.dispatchDragEvent', { type, x: 500, y: 400, data });
  }
  await browser.detach();
}

export const uploads = (page: Page) => page.getByRole('region', { name: 'Uploads' });

/** The row of a file or a folder: its link in a list, not the one in the list of uploads. */
export const row = (page: Page, name: string) => page.getByRole('main').getByRole('link', { name, exact: true });
