import type { App, Settings } from './app.ts';
import { FaultProxy } from './fault_proxy.ts';
import type { Monitor } from './monitor.ts';
import { freePort } from './net.ts';
import { Session } from './session.ts';
import { test as base } from './test.ts';

export interface Behind {
  app: App;
  session: Session;
  monitor: Monitor;
  proxy: FaultProxy;
}

/** A server behind a proxy that breaks connections, and a signed-in browser. */
export const test = base.extend<{ behind: Behind; behindSettings: Settings }>({
  behindSettings: [{}, { option: true }],

  behind: async ({ startApp, startMonitor, context, behindSettings: settings }, use) => {
    const monitor = await startMonitor();
    const port = await freePort();
    const proxy = await FaultProxy.start(port);
    const app = await startApp({ monitor, publicUrl: proxy.origin, port, settings });
    const session = await Session.createOwner(app);
    await context.addCookies(session.browserCookies().map((it) => ({ ...it, url: proxy.origin })));
    await use({ app, session, monitor, proxy });
    // Before the proxy, so that no page reports its end.
    for (const page of context.pages()) await page.close();
    await proxy.stop();
  },
});
