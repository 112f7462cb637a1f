import { test as base, expect } from '@playwright/test';

import { App, type AppOptions, type Settings } from './app.ts';
import { ConsoleWatch } from './console.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';
import { SecretWatch } from './secrets.ts';
import { owner, Session } from './session.ts';

export interface TestOptions {
  /** Whether the test's pages start signed in as the owner. */
  signedIn: boolean;
}

export interface TestFixtures {
  /** Starts another server for this test. */
  startApp: (options?: AppOptions) => Promise<App>;
  /** Starts another price monitor for this test. */
  startMonitor: (options?: MonitorOptions) => Promise<Monitor>;
  /** Console errors of the pages; unexpected ones fail the test. */
  complaints: ConsoleWatch;
  /** Secrets sent to a browser; any fails the test. */
  secrets: SecretWatch;
}

export interface WorkerOptions {
  /** The spec file's own server. Files with different options never share one. */
  server: {
    /** The spec's name. */
    name: string;
    settings?: Settings;
    /** Use a scripted price monitor, not the embedded one. */
    external?: MonitorOptions | true;
  };
}

export interface WorkerFixtures {
  /** The spec file's external price monitor, if any. */
  monitor: Monitor;
  /** The spec file's server. */
  app: App;
  /** The owner's session at the spec file's server. */
  session: Session;
}

export const test = base.extend<TestOptions & TestFixtures, WorkerOptions & WorkerFixtures>({
  signedIn: [true, { option: true }],
  server: [{ name: 'shared' }, { option: true, scope: 'worker' }],

  monitor: [
    async ({ server }, use) => {
      const monitor = await Monitor.start(server.external === true ? {} : server.external);
      await use(monitor);
      await monitor.stop();
    },
    { scope: 'worker' },
  ],

  app: [
    async ({ server, monitor }, use) => {
      const app = await App.start({
        settings: server.settings,
        monitor: server.external ? monitor : undefined,
      });
      await use(app);
      await app.remove();
      await expectNoSecretIn(app);
    },
    { scope: 'worker', timeout: 40_000 },
  ],

  session: [async ({ app }, use) => use(await Session.createOwner(app, owner)), { scope: 'worker' }],

  baseURL: async ({ app }, use) => use(app.origin),

  storageState: async ({ signedIn, session }, use) => {
    if (!signedIn) return use(undefined);
    const cookies = session.browserCookies().map(({ name, value, url }) => ({
      name,
      value,
      domain: new URL(url).hostname,
      path: '/',
      expires: -1,
      httpOnly: true,
      secure: false,
      sameSite: 'Lax' as const,
    }));
    return use({ cookies, origins: [] });
  },

  startApp: async ({}, use, testInfo) => {
    const apps: App[] = [];
    await use(async (options) => {
      const app = await App.start(options);
      apps.push(app);
      return app;
    });
    for (const app of apps) {
      await app.remove();
      await expectNoSecretIn(app);
      if (testInfo.status !== testInfo.expectedStatus) {
        await testInfo.attach('server.log', { body: app.log, contentType: 'text/plain' });
      }
    }
  },

  startMonitor: async ({}, use) => {
    const monitors: Monitor[] = [];
    await use(async (options) => {
      const monitor = await Monitor.start(options);
      monitors.push(monitor);
      return monitor;
    });
    await Promise.all(monitors.map((monitor) => monitor.stop()));
  },

  complaints: async ({}, use) => use(new ConsoleWatch()),

  secrets: async ({ session, monitor }, use) => {
    const secrets = new SecretWatch();
    secrets.addCookies(session.cookie);
    secrets.add('the price monitor’s key', monitor.apiKey);
    await use(secrets);
  },

  // Depends on `startApp` for the order only: pages close before their server, so that they report no errors.
  context: async ({ startApp: _, context, complaints, secrets, app }, use, testInfo) => {
    const logBefore = app.log.length;
    complaints.watch(context);
    secrets.watch(context);
    await use(context);
    expect(await secrets.found(), 'secrets among what a browser was sent').toEqual([]);
    for (const page of context.pages()) await page.close();
    if (testInfo.status !== testInfo.expectedStatus) {
      const body = app.log.slice(logBefore);
      await testInfo.attach('server.log', { body, contentType: 'text/plain' });
      await testInfo.attach('console.log', {
        body: complaints.messages.join('\n'),
        contentType: 'text/plain',
      });
    }
    expect(complaints.complaints, 'complaints in the browser console').toEqual([]);
  },
});

/** Checks the log of the whole run. */
async function expectNoSecretIn(app: App): Promise<void> {
  const secrets = new SecretWatch();
  secrets.look('the log', app.log);
  expect(await secrets.found(), 'secrets in the log').toEqual([]);
}

export { expect };
