import { defineConfig } from '@playwright/test';

// One test at a time, because the server, the browser and a hash worker share the two cores of the machine.
export default defineConfig({
  testDir: 'stories',
  workers: 1,
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
    // No filmstrip: recording it takes more than a third of the time. The DOM snapshots are kept.
    trace: { mode: 'retain-on-failure', screenshots: false },
    actionTimeout: 30_000,
  },
});
