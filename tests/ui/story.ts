// Test fixtures: a server per test, pages that must not log errors to the console, and accessibility checks.

import { AxeBuilder } from '@axe-core/playwright';
import { test as base, expect, type Browser, type BrowserContext, type Page } from '@playwright/test';
import { TestServer } from './server.ts';

export { expect, type Page };

interface Fixtures {
  server: TestServer;
  /** Opens a page in a new browser context. */
  newPage: () => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern -- required by Playwright
  server: async ({}, use) => {
    const server = await TestServer.start();
    await use(server);
    await server.close();
  },
  newPage: async ({ browser, server }, use) => {
    const contexts: BrowserContext[] = [];
    const consoleErrors: string[] = [];
    await use(() => openPage(browser, server, contexts, consoleErrors));
    for (const context of contexts) await context.close();
    expect(consoleErrors, 'console errors').toEqual([]);
  },
});

async function openPage(browser: Browser, server: TestServer, contexts: BrowserContext[], consoleErrors: string[]): Promise<Page> {
  const context = await browser.newContext({ baseURL: server.url, permissions: ['clipboard-read', 'clipboard-write'] });
  contexts.push(context);
  const page = await context.newPage();
  page.on('pageerror', (error) => consoleErrors.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    // Browsers log every 4xx response, a full store, and every request without a network or a server; the pages handle those.
    const answer = /^Failed to load resource: (the server responded with a status of (4|50[2347])|net::ERR_(INTERNET_DISCONNECTED|CONNECTION_REFUSED))/.test(message.text());
    // Playwright's own scripts do not run in a frame without scripts.
    const sandboxed = /^Blocked script execution in '[^']*\/embed\//.test(message.text());
    if (message.type() === 'error' && !answer && !sandboxed) consoleErrors.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

/** Additional axe rules that matter to users of screen readers and keyboards. */
const STRICT = ['label-content-name-mismatch', 'landmark-unique', 'region'];

/** Fails on serious accessibility violations, found by all axe rules or only the given ones. */
export async function accessible(page: Page, rules?: string[]): Promise<void> {
  // Colours are those of the theme once they have faded in.
  await page.evaluate(async () => {
    const ends = document.getAnimations().filter((one) => Number.isFinite(Number(one.effect?.getComputedTiming().endTime)));
    await Promise.all(ends.map((one) => one.finished.catch(() => undefined)));
  });
  // Only PDF previews have a frame, so axe can run in the page itself instead of collecting results in a blank one.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const strict = Object.fromEntries(STRICT.map((rule) => [rule, { enabled: true }]));
  axe.options({ resultTypes: ['violations'], ...(rules ? {} : { rules: strict }) });
  const found = await (rules ? axe.withRules(rules) : axe).analyze();
  const serious = found.violations.filter((one) => STRICT.includes(one.id) || one.impact === 'serious' || one.impact === 'critical');
  const violations = serious.map((one) => `${one.id}: ${one.help} (${one.nodes.map((node) => node.target.join(' ')).join(', ')})`);
  expect(violations, `axe on ${page.url()}`).toEqual([]);
}

/** The smallest size of text, in CSS pixels. */
const SMALLEST = 12;

/** Fails if the page is wider than the window, has text below 12 px, or runs an animation that lasts although none is asked for. */
export async function readable(page: Page): Promise<void> {
  const found = await page.evaluate(async (smallest) => {
    // Drawings follow the size of the window in the next frame.
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const small = new Set<string>();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      // Exponents of formulas are smaller.
      const [element, text] = [texts.currentNode.parentElement, texts.currentNode.nodeValue?.trim()];
      if (!text || !element?.checkVisibility({ visibilityProperty: true }) || element.closest('.sr-only, math')) continue;
      // Text of drawings is scaled with them.
      const drawing = element instanceof SVGElement ? element.closest('svg') : null;
      const scale = drawing ? drawing.getBoundingClientRect().width / (drawing.viewBox.baseVal.width || Infinity) || 1 : 1;
      const size = parseFloat(getComputedStyle(element).fontSize) * scale;
      if (size < smallest - 0.01) small.add(`${size.toFixed(2)} px: ${text.slice(0, 40)}`);
    }
    const lasts = (animation: Animation) => Number(animation.effect?.getComputedTiming().activeDuration) > 1;
    const moving = matchMedia('(prefers-reduced-motion: reduce)').matches ? document.getAnimations().filter((one) => one.playState === 'running' && lasts(one)) : [];
    return { width: document.documentElement.scrollWidth - innerWidth, small: [...small], moving: moving.length };
  }, SMALLEST);
  expect(found.width, `${page.url()} is wider than the window`).toBeLessThanOrEqual(0);
  expect(found.small, `small text on ${page.url()}`).toEqual([]);
  expect(found.moving, `animations on ${page.url()} with reduced motion`).toBe(0);
}

/** Returns the cumulative layout shift of the page, without shifts caused by user input. */
export function layoutShift(page: Page): Promise<number> {
  return page.evaluate(async () => {
    let sum = 0;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!entry.hadRecentInput) sum += entry.value;
      }
    });
    observer.observe({ type: 'layout-shift', buffered: true });
    // Buffered entries are delivered in a separate task.
    await new Promise((delivered) => setTimeout(delivered, 50));
    return sum;
  });
}

/** Signs up with the link from the e-mail; ends on the drive page. */
export async function signUp(server: TestServer, page: Page, name: string): Promise<string> {
  const email = `${name}@example.org`;
  await page.goto('/signup');
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { name: 'Check your email' })).toBeVisible();
  await page.goto(await server.emailLink(email, 'verify'));
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();
  expect(page.url(), 'the token was removed from the URL').not.toContain('#');
  return email;
}

export const PASSWORD = 'a boat on the river';

/** Signs in. */
export async function signIn(page: Page, name: string): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('User name or e-mail').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).not.toHaveURL(/login/);
}

/** The dialog that asks before an upload: what to do with names that are taken, and in datasets for a message. */
export const asking = (page: Page) => page.getByRole('dialog', { name: /^Upload \d+ files? to / });

/** Uploads files to the current folder, replacing those with the same names, and waits until they are done. */
export async function upload(page: Page, ...files: string[]): Promise<void> {
  await page.getByLabel('Files to upload').setInputFiles(files);
  const done = uploads(page).getByText(/^(Done|Nothing new)/).first();
  await expect(asking(page).or(done).first()).toBeVisible({ timeout: 240_000 });
  if (await asking(page).isVisible()) await asking(page).getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(done).toBeVisible({ timeout: 240_000 });
  await uploads(page).getByRole('button', { name: 'Close upload list' }).click();
}

/** Drops files and folders below short lists: a folder would take the files for itself. */
export const drop = (page: Page, ...files: string[]): Promise<void> => dropAt(page, { x: 500, y: 690 }, ...files);

/** Drops files and folders through the DevTools protocol, because simulated events cannot contain folders. */
export async function dropAt(page: Page, at: { x: number; y: number }, ...files: string[]): Promise<void> {
  const browser = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await browser.send('Input.dispatchDragEvent', { type, ...at, data });
  }
  await browser.detach();
}

export const uploads = (page: Page) => page.getByRole('region', { name: 'Uploads' });

/** The link of a file or folder in the main list, not in the upload panel. */
export const row = (page: Page, name: string) => page.getByRole('main').getByRole('link', { name, exact: true });
