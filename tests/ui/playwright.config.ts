import { defineConfig } from '@playwright/test';

// Two stories at a time, each with a server and a browser of its own: most of a story is waiting for a page.
export default defineConfig({
  testDir: 'stories',
  workers: 2,
  fullyParallel: true,
  timeout: 600_000,
  expect: { timeout: 30_000 },
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  outputDir: process.env.RUTTER_UI_RESULTS ?? 'results',
  use: {
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    },
    acceptDownloads: true,
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    actionTimeout: 30_000,
  },
});
