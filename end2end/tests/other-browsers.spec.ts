import { existsSync } from 'node:fs';

import { test as base } from '@playwright/test';

import { App } from '../support/app.ts';
import { FaultProxy } from '../support/fault_proxy.ts';
import { Monitor } from '../support/monitor.ts';
import { freePort, until } from '../support/net.ts';
import { Firefox, type OtherBrowser, WebKit } from '../support/other_browsers.ts';
import { owner } from '../support/session.ts';

// The main journey in browsers other than Playwright's Chromium.

interface Scene {
  app: App;
  monitor: Monitor;
  proxy: FaultProxy;
}

const test = base.extend<{ scene: Scene }>({
  scene: async ({}, use, testInfo) => {
    const monitor = await Monitor.start();
    const port = await freePort();
    const proxy = await FaultProxy.start(port);
    const app = await App.start({ monitor, port, publicUrl: proxy.origin, settings: { SSE_HEARTBEAT: '1s' } });
    await use({ app, monitor, proxy });
    await proxy.stop();
    await app.remove();
    await monitor.stop();
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('server.log', { body: app.log, contentType: 'text/plain' });
    }
  },
});

const browsers: [string, string, (program: string) => Promise<OtherBrowser>][] = [
  ['Firefox', process.env.FIREFOX ?? '/usr/bin/firefox-esr', (program) => Firefox.start(program)],
  ['WebKit', process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver', (program) => WebKit.start(program)],
];

for (const [name, program, start] of browsers) {
  test(`in ${name} a file is handed in and followed, over a lost connection, to its end`, async ({ scene }) => {
    test.skip(!existsSync(program), `${program} is not installed`);
    test.setTimeout(180_000);
    const { app, monitor, proxy } = scene;
    const browser = await start(program);
    try {
      const shown = (what: string) => `document.querySelector('[data-testid="${what}"]')`;
      const becomes = (what: string, expression: string) =>
        // A document that is being left answers nothing.
        until(`${name}: ${what}`, async () => (await browser.evaluate<boolean>(`Boolean(${expression})`).catch(() => false)) || undefined, 30_000);
      const counts = (processed: number) =>
        becomes(`${String(processed)} is shown`, `${shown('count-processed')}?.textContent === '${String(processed)}'`);
      const connection = (state: string) =>
        becomes(`the connection is ${state}`, `${shown('connection')}?.dataset.connection === '${state}'`);

      await browser.goto(`${proxy.origin}/`);
      const fields = { name: owner.name, email: owner.email, password: owner.password };
      for (const [field, value] of Object.entries(fields)) {
        await browser.evaluate(`void (document.querySelector('form [name=${field}]').value = ${JSON.stringify(value)})`);
      }
      await browser.evaluate(`void setTimeout(() => document.querySelector('form [name=password]').form.requestSubmit())`);
      await becomes('the owner is signed in', shown('upload-input'));
      await becomes('the islands react', `'hydrated' in document.documentElement.dataset`);

      await browser.evaluate(`(() => {
        const files = new DataTransfer();
        files.items.add(new File(['sku,name,price\\nCUP-01,Cup,4.50\\n'], 'cups.csv', { type: 'text/csv' }));
        const input = ${shown('upload-input')};
        input.files = files.files;
        input.dispatchEvent(new Event('change', { bubbles: true }));
      })()`);
      await browser.evaluate(`void setTimeout(() => ${shown('upload-submit')}.click())`);
      await becomes('the import has a page', `/^.imports.[^/]+$/.test(location.pathname)`);
      const id = (await browser.evaluate<string>('location.pathname')).split('/').at(-1) ?? '';
      await connection('open');

      await monitor.joined(id);
      for (const processedProducts of [10, 40]) {
        monitor.progress(id, { processedProducts, totalProducts: 100 });
        await counts(processedProducts);
      }

      // The stream breaks while the server is down, and nothing is lost.
      await app.stop();
      await connection('reconnecting');
      await app.launch();
      await connection('open');
      await monitor.joined(id);
      monitor.progress(id, { processedProducts: 70, totalProducts: 100 });
      await counts(70);

      // A proxy's refusal ends an EventSource, but not the hook.
      proxy.mode = 'bad-gateway';
      proxy.breakStreams();
      await connection('reconnecting');
      proxy.mode = 'pass';
      await connection('open');

      monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
      await becomes('the import has ended', `${shown('job-status')}?.dataset.status === 'SUCCESS'`);
      await until(`${name}: the stream is closed`, () => proxy.open === 0 || undefined);
    } finally {
      await browser.close();
    }
  });
}
