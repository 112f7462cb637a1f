import { test as base, expect } from '@playwright/test';

import { App, type AppOptions, type Settings } from './app.ts';
import { ConsoleWatch } from './console.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';
import { SecretWatch } from './secrets.ts';
import { owner, Session } from './session.ts';

export interface TestOptions {
  /** Whether the pages of a test start signed in as the owner. */
  signedIn: boolean;
}

export interface TestFixtures {
  /** Starts a further server, for this test alone. */
  startApp: (options?: AppOptions) => Promise<App>;
  /** Starts a further price monitor, for this test alone. */
  startMonitor: (options?: MonitorOptions) => Promise<Monitor>;
  /** What the pages complained of. A test fails that did not expect it. */
  complaints: ConsoleWatch;
  /** What a browser was sent that is nobody's to have. A test fails that finds any. */
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
  /** The spec file's price monitor, where it is an external one. */
  monitor: Monitor;
  /** The spec file's server. */
  app: App;
  /** The owner, signed in at the spec file's server. */
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

  // Of `startApp` for the order alone: pages go before their server, and have no reason to complain of its end.
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

/** The log of a whole run. */
async function expectNoSecretIn(app: App): Promise<void> {
  const secrets = new SecretWatch();
  secrets.look('the log', app.log);
  expect(await secrets.found(), 'secrets in the log').toEqual([]);
}

export { expect };
