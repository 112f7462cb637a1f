import { expect, type Locator, type Page } from '@playwright/test';

import type { App } from './app.ts';
import { toNumber } from './recorder.ts';
import { type Account, owner } from './session.ts';

type File = string | { name: string; mimeType: string; buffer: Buffer };

export type Status = 'PENDING' | 'SUCCESS' | 'PARTIAL_SUCCESS' | 'ERROR';
export type Connection = 'connecting' | 'open' | 'polling' | 'reconnecting' | 'refused' | 'closed';

/** Creates the owner's account by the form for the first visitor. */
export async function signUp(page: Page, app: App, account: Account = owner): Promise<void> {
  await page.goto(app.url('/'));
  await expect(page).toHaveURL(/\/sign-in/);
  await page.getByLabel('Name').fill(account.name);
  await page.getByLabel('Email').fill(account.email);
  await page.getByLabel('Password').fill(account.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page).not.toHaveURL(/\/sign-in/);
}

/** Signs in and waits until that is done. */
export async function signIn(page: Page, app: App, account: Account = owner): Promise<void> {
  await trySignIn(page, app, account);
  await expect(page).not.toHaveURL(/\/sign-in/);
}

/** Sends the sign-in form, which may fail. */
export async function trySignIn(page: Page, app: App, account: Account): Promise<void> {
  await page.goto(app.url('/sign-in'));
  await page.getByLabel('Email').fill(account.email);
  await page.getByLabel('Password').fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Waits until the page's islands are hydrated. */
export async function hydrated(page: Page): Promise<void> {
  await page.waitForFunction(() => 'hydrated' in document.documentElement.dataset);
}

/** The page with the upload form and the list of imports. */
export class ImportsPage {
  readonly table: Locator;
  readonly rows: Locator;
  readonly error: Locator;
  readonly input: Locator;
  readonly submit: Locator;

  constructor(readonly page: Page) {
    this.table = page.getByTestId('jobs-table');
    this.rows = page.getByTestId('job-row');
    this.error = page.getByTestId('upload-error');
    this.input = page.getByTestId('upload-input');
    this.submit = page.getByTestId('upload-submit');
  }

  async open(app: App): Promise<this> {
    await this.page.goto(app.url('/'));
    await expect(this.page.getByTestId('upload-form')).toBeVisible();
    return this;
  }

  row(jobId: string): Locator {
    return this.page.locator(`[data-testid="job-row"][data-job-id="${jobId}"]`);
  }

  /** Sends the form, which may fail. */
  async send(file: File): Promise<void> {
    await this.input.setInputFiles(file);
    await this.submit.click();
  }

  /** Uploads a file that is accepted. Returns the import's page. */
  async upload(file: File): Promise<JobPage> {
    await this.send(file);
    await expect(this.page).toHaveURL(/\/imports\/[^/?#]+$/, { timeout: 30_000 });
    const job = new JobPage(this.page, jobIdOf(this.page.url()));
    await expect(job.card).toBeVisible();
    return job;
  }
}

/** The page of an import. */
export class JobPage {
  readonly card: Locator;
  readonly bar: Locator;
  readonly percent: Locator;
  readonly error: Locator;
  readonly failedSkus: Locator;

  constructor(
    readonly page: Page,
    readonly id: string,
  ) {
    this.card = page.getByTestId('progress-card');
    this.bar = page.getByTestId('progress-bar');
    this.percent = page.getByTestId('progress-percent');
    this.error = page.getByTestId('job-error');
    this.failedSkus = page.getByTestId('failed-skus').getByTestId('failed-sku');
  }

  static async open(page: Page, app: App, jobId: string): Promise<JobPage> {
    const job = new JobPage(page, jobId);
    await page.goto(app.url(jobPath(jobId)));
    await expect(job.card).toBeVisible();
    return job;
  }

  async expectStatus(status: Status, options?: { timeout?: number }): Promise<void> {
    const badge = this.page.getByTestId('job-status').first();
    await expect(badge).toHaveAttribute('data-status', status, options);
  }

  async expectConnection(connection: Connection, options?: { timeout?: number }): Promise<void> {
    const shown = this.page.getByTestId('connection');
    await expect(shown).toHaveAttribute('data-connection', connection, options);
  }

  /** Expects the three counts in localized form. */
  async expectCounts(processed: string, failed: string, total: string): Promise<void> {
    await expect(this.page.getByTestId('count-processed')).toHaveText(processed);
    await expect(this.page.getByTestId('count-failed')).toHaveText(failed);
    await expect(this.page.getByTestId('count-total')).toHaveText(total);
  }

  async processed(): Promise<number> {
    return toNumber(await this.page.getByTestId('count-processed').textContent());
  }

  async total(): Promise<number> {
    return toNumber(await this.page.getByTestId('count-total').textContent());
  }
}

export function jobPath(jobId: string): string {
  return `/imports/${jobId}`;
}

export function jobIdOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
}
