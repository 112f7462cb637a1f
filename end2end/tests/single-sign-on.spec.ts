import type { Page } from '@playwright/test';

import type { App } from '../support/app.ts';
import { IdentityProvider } from '../support/identity_provider.ts';
import { freePort } from '../support/net.ts';
import { Session } from '../support/session.ts';
import { expect, test as base } from '../support/test.ts';

interface Acme {
  app: App;
  provider: IdentityProvider;
}

const test = base.extend<{ acme: Acme; appSettings: Record<string, string> }>({
  appSettings: [{}, { option: true }],

  acme: async ({ startApp, secrets, appSettings }, use) => {
    const port = await freePort();
    const provider = await IdentityProvider.start(`http://127.0.0.1:${port}`);
    secrets.add('the secret at the provider', provider.clientSecret);
    const app = await startApp({ port, settings: { ...provider.settings, AUTH_DEFAULT_ROLE: 'staff', ...appSettings } });
    await Session.createOwner(app);
    await use({ app, provider });
    secrets.look('the log', app.log);
    expect(await secrets.found()).toEqual([]);
    await provider.stop();
  },
});

test.use({ server: { name: 'single-sign-on' }, signedIn: false });

async function signInAs(page: Page, app: App, who: string, next = ''): Promise<void> {
  await page.goto(app.url(`/sign-in${next && `?next=${encodeURIComponent(next)}`}`));
  await page.getByRole('link', { name: 'Sign in with Acme' }).click();
  await page.getByRole('link', { name: `I am ${who}` }).click();
}

/** Clears a browser's session. An open page would report errors. */
async function forget(page: Page): Promise<void> {
  await page.goto('about:blank');
  await page.context().clearCookies();
}

test('who signs in at the provider is in, goes on to where they were, and signs out', async ({ page, acme: { app, provider } }) => {
  await signInAs(page, app, 'grace', '/products?search=cup');
  await expect(page).toHaveURL(app.url('/products?search=cup'));
  await page.goto(app.url('/account'));
  await expect(page.getByTestId('role')).toHaveText('Staff');
  await expect(page.getByText('Grace Hopper').first()).toBeVisible();
  await expect(page.getByText('grace@example.com').first()).toBeVisible();
  await expect(page.getByTestId('session-row')).toHaveCount(1);

  const owner = await Session.signIn(app, { name: '', email: 'ada@example.com', password: 'a long enough passphrase' });
  const team = await (await owner.fetch('/team')).text();
  expect(team).toContain(`>${new URL(provider.issuer).host}<`);

  await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
  await expect(page).toHaveURL(app.url('/sign-in'));
  await page.goto(app.url('/imports'));
  await expect(page).toHaveURL(/\/sign-in\?next/);
});

test('a role that the provider gives holds, and one that is not known lets nobody in', async ({ page, acme: { app } }) => {
  await signInAs(page, app, 'vera');
  await expect(page).toHaveURL(app.url('/imports'));
  await expect(page.getByTestId('upload-form')).toHaveCount(0);
  await forget(page);
  await signInAs(page, app, 'mallory');
  await expect(page.getByTestId('sign-in-problem')).toHaveText("Your Acme account doesn't have access to this app. Ask the owner.");
});

test('a provider that has just changed its keys is believed, and asked for them anew once', async ({ page, acme: { app, provider } }) => {
  await signInAs(page, app, 'grace');
  await expect(page).toHaveURL(app.url('/imports'));
  await forget(page);
  provider.rotateKeys();
  await signInAs(page, app, 'vera');
  await expect(page).toHaveURL(app.url('/imports'));
  await forget(page);
  // Keys are fetched at most once a minute, so that invalid tokens cause no requests.
  provider.rotateKeys();
  await signInAs(page, app, 'grace');
  await expect(page.getByTestId('sign-in-problem')).toBeVisible();
});

test.describe('where the provider must give a role', () => {
  test.use({ appSettings: { AUTH_DEFAULT_ROLE: 'none' } });

  test('nobody is let in without one', async ({ page, acme: { app } }) => {
    await signInAs(page, app, 'grace');
    await expect(page.getByTestId('sign-in-problem')).toContainText("doesn't have access to this app");
  });
});

test('who is refused there is told so, and can sign in otherwise', async ({ page, acme: { app } }) => {
  await signInAs(page, app, 'nobody');
  await expect(page.getByTestId('sign-in-problem')).toHaveText('Sign-in with Acme failed. Try again.');
  await page.getByLabel('Email').fill('ada@example.com');
  await page.getByLabel('Password').fill('a long enough passphrase');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL(app.url('/imports'));
});

test('an answer is good for the browser that asked, and once', async ({ page, browser, acme: { app } }) => {
  await page.goto(app.url('/sign-in'));
  await page.getByRole('link', { name: 'Sign in with Acme' }).click();
  const way = await page.getByRole('link', { name: 'I am grace' }).getAttribute('href');
  // Follows the redirects up to the callback.
  let answer = new URL(way ?? '', page.url()).href;
  while (!answer.startsWith(app.url('/sign-in/oidc/callback'))) {
    const response = await page.request.get(answer, { maxRedirects: 0 });
    answer = new URL(response.headers().location ?? '', answer).href;
  }

  const other = await browser.newPage();
  await other.goto(answer);
  await expect(other.getByTestId('sign-in-problem')).toHaveText('Sign-in with Acme failed. Try again.');
  // Also one with a sign-in of its own in progress.
  await other.getByRole('link', { name: 'Sign in with Acme' }).click();
  await expect(other.getByRole('heading', { name: 'Acme' })).toBeVisible();
  await other.goto(answer);
  await expect(other.getByTestId('sign-in-problem')).toBeVisible();
  await other.context().close();

  await page.goto(answer);
  await expect(page).toHaveURL(app.url('/imports'));
  await forget(page);
  await page.goto(answer);
  await expect(page.getByTestId('sign-in-problem')).toBeVisible();
});

test('a provider that is away is said to be', async ({ page, acme: { app, provider } }) => {
  await provider.stop();
  await page.goto(app.url('/sign-in'));
  await page.getByRole('link', { name: 'Sign in with Acme' }).click();
  await expect(page.getByTestId('sign-in-problem')).toHaveText("Acme can't be reached right now. Try again in a moment.");
  await expect(page).toHaveURL(/problem=unreachable/);
});
