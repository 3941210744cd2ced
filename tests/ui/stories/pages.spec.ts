// Every page, with the demo data: no serious accessibility violations, no console errors, no layout shifts, no text below
// 12 px, and on phones no horizontal scrolling and no targets that are hard to hit.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestServer } from '../server.ts';
import { accessible, expect, layoutShift, PASSWORD, readable, signIn, test, type Page } from '../story.ts';

const ANONYMOUS = ['/', '/login', '/signup', '/reset', '/verify', '/s', '/search', '/help', '/d/ben/trade-prices', '/nothing/here', '/nowhere'];
const DATASETS = [
  '/',
  '/search?q=air',
  '/new',
  '/d/demo/air-quality',
  '/d/demo/air-quality/about',
  '/d/demo/air-quality/tree/main/data',
  '/d/demo/air-quality/file/main/README.md',
  '/d/demo/air-quality/file/main/stations.csv',
  '/d/demo/air-quality/file/main/data/readings.parquet',
  '/d/demo/air-quality/history/main',
  '/d/demo/air-quality/compare/v1.0...v1.1',
  '/d/demo/air-quality/compare/v1.0...v1.1?table=stations.csv',
  '/d/demo/air-quality/query',
  '/d/demo/air-quality/query?q=SELECT%20name%2C%20altitude%20FROM%20%22stations.csv%22',
  '/d/demo/air-quality/releases',
  '/d/demo/air-quality/branches',
  '/d/demo/air-quality/discussions',
  '/d/demo/air-quality/discussions/new',
  '/d/demo/air-quality/card',
  '/d/demo/air-quality/settings',
  '/d/demo/air-quality/upload',
  '/d/ben/leaf-scans',
  '/d/ben/leaf-scans/file/main/images/oak-01.png',
];
const OTHERS = [
  '/drive',
  '/drive/Field%20trip',
  '/drive/Field%20trip/Notes.md',
  '/drive/Prices.csv',
  '/trash',
  '/shared',
  '/shared?by=me',
  '/account',
  '/account/clients',
  '/account/notifications',
  '/account/clients?client=new',
  '/apps',
  '/login?again=true',
  '/admin',
  '/admin/usage',
  '/admin/catalogue',
  '/admin/apps',
  '/admin/jobs',
  '/admin/stores',
  '/admin/audit',
  '/o/harbours',
  '/o/harbours?show=roles',
  '/o/harbours/apps',
];

const DESK = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 800 };

/** Opens a page and waits until it has loaded. */
async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.waitForLoadState('networkidle');
  await expect(page.getByRole('heading', { level: 1 }).first(), path).toBeVisible();
  // "Good" begins below 0.1 (web.dev/articles/cls).
  expect(await layoutShift(page), `${path}: layout shift`).toBeLessThan(0.1);
}

/** Delays responses by different times, so that style sheets arrive after scripts. */
async function slow(page: Page): Promise<void> {
  let asked = 0;
  await page.route(/\/api\/|\.css$/, async (route) => {
    asked += 1;
    await new Promise((waited) => setTimeout(waited, 50 + ((asked * 3) % 5) * 60));
    await route.continue();
  });
}

/** Checks a page three times: as it is, in dark mode (colours only), and on a phone with a slow network. */
async function checkPage(page: Page, path: string): Promise<void> {
  await page.setViewportSize(DESK);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await open(page, path);
  await accessible(page);
  await readable(page);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await accessible(page, ['color-contrast']);
  await page.setViewportSize(PHONE);
  await slow(page);
  try {
    await open(page, path);
  } finally {
    await page.unrouteAll({ behavior: 'wait' });
  }
  await readable(page);
  // 24 px, or as much space around it (WCAG 2.2, 2.5.8).
  await accessible(page, ['target-size']);
}

/** Checks all pages, so that one run tells what is wrong with any of them. */
async function checkPages(page: Page, paths: string[]): Promise<void> {
  const problems: string[] = [];
  for (const path of paths) await checkPage(page, path).catch((error: unknown) => problems.push(`${path}: ${error}`));
  expect(problems).toEqual([]);
}

/** Adds the demo data. */
async function fill(server: TestServer): Promise<void> {
  const demo = join(import.meta.dirname, '../../../scripts/demo.sh');
  await promisify(execFile)(demo, [server.url, server.data, process.env.RUTTER_BIN ?? '', PASSWORD], { env: server.settings });
}

test('every page without an account, in light and dark and on a phone', async ({ server, newPage }) => {
  await fill(server);
  const page = await newPage();
  await checkPages(page, ANONYMOUS);
});

test('every page of datasets, in light and dark and on a phone', async ({ server, newPage }) => {
  await fill(server);
  const page = await newPage();
  await signIn(page, 'demo');
  await checkPages(page, DATASETS);
});

test('every page of the drive, the account and the administration, in light and dark and on a phone', async ({ server, newPage }) => {
  await fill(server);
  const page = await newPage();
  await signIn(page, 'demo');
  await page.request.post('/api/v1/organisations', { data: { name: 'harbours' }, headers: { Origin: server.url } });
  await checkPages(page, OTHERS);
});
