import { existsSync } from 'node:fs';

import { defineConfig, devices } from '@playwright/test';

import type { TestOptions, WorkerOptions } from './support/test.ts';

const installed = process.env.CHROMIUM ?? '/usr/bin/chromium';

export default defineConfig<TestOptions, WorkerOptions>({
  testDir: 'tests',
  // Every spec file has its own server, so files run in parallel and a file's tests in sequence.
  workers: 2,
  forbidOnly: Boolean(process.env.CI),
  // A shared machine may stall a browser; a second failure counts.
  retries: process.env.CI ? 1 : 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: process.env.CI ? [['list'], ['html', { open: 'never' }]] : 'list',
  use: {
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'on-first-retry',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: existsSync(installed) ? installed : undefined,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [{ name: 'chromium', use: { ...devices['Desktop Chrome'] } }],
});
