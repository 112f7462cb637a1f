import { type Page } from '@playwright/test';

import { test } from '../support/behind_proxy.ts';
import { lostConnection } from '../support/console.ts';
import { writeProducts } from '../support/csv.ts';
import { ImportsPage, JobPage, jobIdOf } from '../support/pages.ts';
import { expect } from '../support/test.ts';

// Uploads that something on the way, a reload or a reader's change of mind comes between.

test.use({ server: { name: 'uploads' } });

const anImport = /\/imports\/[^/?#]+$/;

async function openImports(page: Page, origin: string): Promise<ImportsPage> {
  await page.goto(`${origin}/imports`);
  return new ImportsPage(page);
}

function csv(name: string, content: string) {
  return { name, mimeType: 'text/csv', buffer: Buffer.from(content) };
}

/** Chooses files once the form is alive: only then does it take several. */
async function choose(imports: ImportsPage, ...files: Parameters<typeof csv>[]): Promise<void> {
  await expect(imports.input).toHaveAttribute('multiple', '');
  await imports.input.setInputFiles(files.map(([name, content]) => csv(name, content)));
}

const rows = (name: string) => `sku,name,price\n${name},A product,1.50\n`;

/** Sends a file whose only part is on its way until the proxy lets it through. */
async function sendHeld(imports: ImportsPage, name: string): Promise<void> {
  await choose(imports, [name, rows(name)]);
  const sent = imports.page.waitForRequest((request) => request.method() === 'PATCH');
  await imports.submit.click();
  await sent;
}

async function drop(page: Page, name: string, content: string): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([name = '', content = '']) => {
      const data = new DataTransfer();
      data.items.add(new File([content], name, { type: 'text/csv' }));
      return data;
    },
    [name, content],
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer });
}

test('parts that are too large for something on the way are halved', async ({ page, complaints, behind: { proxy } }, testInfo) => {
  complaints.allowStatus(413);
  proxy.partLimit = 700_000;
  const imports = await openImports(page, proxy.origin);
  // Before the form is alive the browser itself would send it, in one piece.
  await expect(imports.input).toHaveAttribute('multiple', '');
  const job = await imports.upload(await writeProducts(testInfo.outputPath('halved.csv'), 40_000));
  expect(proxy.partOffsets.length).toBeGreaterThan(1);
  expect(proxy.partOffsets[0]).toBe(0);
  expect(await job.page.getByRole('heading', { level: 1 }).textContent()).toBe('halved.csv');
});

for (const status of [400, 403, 405]) {
  test(`a file is sent in one piece where parts are answered with ${String(status)} on the way`, async ({
    page,
    complaints,
    behind: { proxy, monitor },
  }) => {
    complaints.allowStatus(status);
    proxy.refusePartsWith = status;
    const imports = await openImports(page, proxy.origin);
    const name = `whole-${String(status)}.csv`;
    const takenBack = page.waitForResponse((answer) => answer.request().method() === 'DELETE');
    await choose(imports, [name, rows(name)]);
    await imports.submit.click();
    await expect(page).toHaveURL(anImport, { timeout: 30_000 });
    expect(monitor.uploads.at(-1)?.filename).toBe(name);
    expect((await takenBack).status()).toBe(204);
  });
}

test('what was sent of an upload that is cancelled is deleted, however busy the server is with it', async ({
  page,
  complaints,
  behind: { proxy },
}) => {
  complaints.allow(lostConnection);
  complaints.allowStatus(423, 404);
  proxy.holdsParts = true;
  const imports = await openImports(page, proxy.origin);
  const created = page.waitForResponse((answer) => answer.status() === 201);
  await sendHeld(imports, 'cancelled.csv');
  const location = (await created).headers()['location'] ?? '';
  const deleted = page.waitForResponse(
    (answer) => answer.request().method() === 'DELETE' && answer.status() === 204,
  );
  await page.getByRole('button', { name: 'Cancel' }).click();
  await deleted;
  await expect(imports.submit).toBeVisible();
  const status = await page.evaluate(async (location) => {
    const answer = await fetch(location, { method: 'HEAD', headers: { 'tus-resumable': '1.0.0' } });
    return answer.status;
  }, location);
  expect(status).toBe(404);
  const remembered = await page.evaluate(() => localStorage.getItem('import-relay.unfinished-upload'));
  expect(remembered).toBeNull();
});

test('several files are sent one after the other, and nobody is led away', async ({ page, behind: { proxy, monitor } }) => {
  const imports = await openImports(page, proxy.origin);
  const names = ['one.csv', 'two.csv', 'three.csv'];
  await choose(imports, ...names.map((name) => [name, rows(name)] as [string, string]));
  await expect(page.getByText('one.csv and 2 more')).toBeVisible();
  await imports.submit.click();
  const ended = page.getByTestId('upload-ended').getByRole('listitem');
  await expect(ended).toHaveText(names.map((name) => `${name}: Import started`));
  expect(monitor.uploads.map(({ filename }) => filename)).toEqual(names);
  await expect(page).toHaveURL(`${proxy.origin}/imports`);
  await ended.first().getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('one.csv');
});

test('a file that is dropped while another is sent waits for it, and one that is empty is told', async ({
  page,
  behind: { proxy, monitor },
}) => {
  proxy.holdsParts = true;
  const imports = await openImports(page, proxy.origin);
  await sendHeld(imports, 'first.csv');
  await drop(page, 'second.csv', rows('second.csv'));
  await expect(page.getByTestId('upload-queue')).toHaveText('Next: second.csv');
  await drop(page, 'empty.csv', '');
  const ended = page.getByTestId('upload-ended').getByRole('listitem');
  await expect(ended).toHaveText([/^empty\.csv: .*empty/]);
  proxy.releaseParts();
  await expect(ended).toHaveText([/^empty\.csv: /, 'first.csv: Import started', 'second.csv: Import started']);
  await expect(page.getByTestId('upload-queue')).toHaveText('');
  expect(monitor.uploads.map(({ filename }) => filename)).toEqual(['first.csv', 'second.csv']);
});

test('whoever leaves during an upload is asked, and not led away from where they go', async ({ page, behind: { proxy } }) => {
  proxy.holdsParts = true;
  const imports = await openImports(page, proxy.origin);
  await sendHeld(imports, 'left.csv');
  const asked = page.waitForEvent('dialog');
  const left = page.getByRole('banner').getByRole('link').first().click({ noWaitAfter: true });
  const dialog = await asked;
  expect(dialog.type()).toBe('beforeunload');
  await dialog.dismiss();
  await left;
  await expect(page).toHaveURL(`${proxy.origin}/imports`);
  proxy.releaseParts();
  const ended = page.getByTestId('upload-ended').getByRole('listitem');
  await expect(ended).toHaveText(['left.csv: Import started']);
  await expect(page).toHaveURL(`${proxy.origin}/imports`);
});

test('what was left by a reload is offered, and goes on once its file is chosen', async ({
  page,
  complaints,
  behind: { proxy, monitor },
}, testInfo) => {
  complaints.allow(lostConnection);
  complaints.allow(/net::ERR_/);
  complaints.allowStatus(409, 423);
  const file = await writeProducts(testInfo.outputPath('plain.csv'), 60_000);
  const imports = await openImports(page, proxy.origin);
  proxy.breakPartAfter = 1_200_000;
  const asked = page.waitForRequest((request) => request.method() === 'HEAD');
  await page.route('**/uploads/*', async (route) => {
    if (route.request().method() !== 'HEAD') await route.continue();
  });
  await expect(imports.input).toHaveAttribute('multiple', '');
  await imports.input.setInputFiles(file);
  await imports.submit.click();
  await asked;
  page.once('dialog', (dialog) => void dialog.accept());
  await page.reload();
  await page.unroute('**/uploads/*');
  await page.reload();
  const resume = page.getByTestId('upload-left').getByRole('button', { name: /^Resume plain\.csv \(\d+%\)$/ });
  const chooser = page.waitForEvent('filechooser');
  await resume.click();
  await (await chooser).setFiles(file);
  await expect(page).toHaveURL(anImport, { timeout: 30_000 });
  expect(proxy.partOffsets.at(-1)).toBeGreaterThan(0);
  expect(monitor.uploads.at(-1)?.filename).toBe('plain.csv');
  await expect(new JobPage(page, jobIdOf(page.url())).card).toBeVisible();
});

test('what was left by a reload can be discarded', async ({ page, complaints, behind: { proxy } }) => {
  complaints.allowStatus(404);
  await openImports(page, proxy.origin);
  const location = await page.evaluate(async () => {
    const answer = await fetch('/uploads', {
      method: 'POST',
      headers: { 'tus-resumable': '1.0.0', 'upload-length': '50', 'upload-metadata': `filename ${btoa('left.csv')}` },
    });
    const location = answer.headers.get('location') ?? '';
    localStorage.setItem('import-relay.unfinished-upload', [location, 50, 0, 'false', 'left.csv'].join('\n'));
    return location;
  });
  await page.reload();
  const left = page.getByTestId('upload-left');
  await expect(left).toContainText('Resume left.csv (0%)');
  const deleted = page.waitForResponse((answer) => answer.request().method() === 'DELETE');
  await left.getByRole('button', { name: 'Discard' }).click();
  expect((await deleted).status()).toBe(204);
  await expect(left).toBeHidden();
  expect(location).not.toBe('');
  await page.reload();
  await expect(page.getByTestId('upload-input')).toHaveAttribute('multiple', '');
  await expect(left).toBeHidden();
});
