import { defineConfig } from '@playwright/test';

// Two tests at a time: each has its own server, and each often waits for a timer or a request. On a bucket one at a
// time, because every server replaces the CORS rules of the bucket.
export default defineConfig({
  testDir: 'stories',
  workers: process.env.RUTTER_TEST_S3 ? 1 : 2,
  fullyParallel: true,
  timeout: 900_000,
  expect: { timeout: 30_000 },
  forbidOnly: !!process.env.CI,
  // A story that needs its second attempt is reported as flaky, and has to be mended.
  retries: Number(process.env.RUTTER_TEST_RETRIES ?? 0),
  reporter: [['list']],
  outputDir: process.env.RUTTER_UI_RESULTS ?? 'results',
  use: {
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    },
    acceptDownloads: true,
    screenshot: 'only-on-failure',
    // Recording a trace takes a third of the time. To look into a failure: `scripts/test-ui.sh STORY --trace retain-on-failure`.
    trace: 'off',
    actionTimeout: 30_000,
  },
});
