import { run } from '../support/app.ts';
import { tinyFile } from '../support/csv.ts';
import { ImportsPage, JobPage, signIn } from '../support/pages.ts';
import { Session } from '../support/session.ts';
import { expect, test } from '../support/test.ts';

test.use({ server: { name: 'bad-input' } });

/** Bytes that are no text, the same for every run. */
const binary = Buffer.concat([
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d]),
  Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 197 + 31) % 256)),
]);

/** Internal terms, which mean nothing to users. */
const machinery = /panick|utf-?8 error|unwrap|os error|Err\(|Some\(|csv_async|sqlx|undefined|\bNaN\b/i;

for (const [what, file] of [
  ['a picture', { name: 'picture.csv', buffer: binary }],
  ['a file without a header', { name: 'bare.csv', buffer: Buffer.from('1,2,3\n4,5,6\n') }],
  ['a file of nothing but a header', { name: 'header.csv', buffer: Buffer.from('sku,name,price\n') }],
] as const) {
  test(`${what} ends in a sentence, in the form or on the import’s page`, async ({
    page,
    app,
    complaints,
  }) => {
    complaints.allowStatus(400, 413, 415, 422, 502);
    const imports = await new ImportsPage(page).open(app);
    await imports.send({ mimeType: 'text/csv', ...file });
    const refused = imports.error;
    const failed = page.getByTestId('job-error');
    const job = new JobPage(page, '');
    const asked = page.getByTestId('mapping-needs');
    await expect(refused.or(failed).or(asked).or(job.failedSkus).first()).toBeVisible({ timeout: 20_000 });
    if (await refused.isVisible()) {
      await expect(refused).toHaveText(/\S.*\.\s*$/s);
      await expect(refused).not.toContainText(machinery);
    } else if (await failed.isVisible()) {
      await job.expectStatus('ERROR');
      await expect(failed).toHaveText(/\S.*\.\s*$/s);
      await expect(failed).not.toContainText(machinery);
    } else if (await asked.isVisible()) {
      await job.expectStatus('PENDING');
      await expect(asked).toHaveText(/\S.*\.\s*$/s);
    } else {
      await job.expectStatus('PARTIAL_SUCCESS');
    }
    expect(app.log).not.toContain('panicked');
  });
}

test('an unclosed quote costs no row', async ({ page, app }) => {
  const buffer = Buffer.from('sku,name,price\nB,a,1\nA,"b,1\nC,d,2\n');
  const job = await (await new ImportsPage(page).open(app)).upload({ name: 'quote.csv', mimeType: 'text/csv', buffer });
  await job.expectStatus('SUCCESS', { timeout: 20_000 });
  await job.expectCounts('3', '0', '3');
});

test('an empty file is refused in the form', async ({ page, app, complaints }) => {
  complaints.allowStatus(400, 422);
  const imports = await new ImportsPage(page).open(app);
  await imports.send({ name: 'empty.csv', mimeType: 'text/csv', buffer: Buffer.alloc(0) });
  await expect(imports.error).toHaveText(/empty.*\.$/i);
  // The form still accepts a valid file.
  const job = await imports.upload(tinyFile());
  await job.expectStatus('SUCCESS', { timeout: 20_000 });
});

test('the names of files and products are text, whatever they are', async ({ page, app }) => {
  const name = '"><img src=x onerror=alert(1)>.csv';
  const rows = 'sku,name,price\nX-1,<script>alert(1)</script>,1.00\n<b>X-2</b>,Bad price,many\n';
  page.on('dialog', (dialog) => {
    throw new Error(`a script ran: ${dialog.message()}`);
  });
  const imports = await new ImportsPage(page).open(app);
  const job = await imports.upload({ name, mimeType: 'text/csv', buffer: Buffer.from(rows) });
  await job.expectStatus('PARTIAL_SUCCESS', { timeout: 20_000 });
  await expect(job.failedSkus).toHaveText(['<b>X-2</b>']);
  await page.reload();
  await expect(job.failedSkus).toHaveText(['<b>X-2</b>']);
  await page.goto('/products');
  await page.getByTestId('products-search').fill('<script>');
  await page.getByTestId('products-search').press('Enter');
  await expect(page.getByTestId('product-row')).toHaveCount(1);
  await expect(page.getByTestId('product-row')).toContainText('<script>alert(1)</script>');
});

test.describe('a file that is too large', () => {
  const large = { name: 'large.csv', mimeType: 'text/csv', buffer: Buffer.alloc(64 * 1024, 'a,b\n') };

  test('is refused in a sentence that names the limit', async ({ page, startApp, complaints }) => {
    complaints.allowStatus(400, 401, 413);
    const app = await startApp({ settings: { MAX_UPLOAD_SIZE: '1KiB' } });
    await Session.createOwner(app);
    await signIn(page, app);
    const imports = await new ImportsPage(page).open(app);
    await imports.send(large);
    await expect(imports.error).toHaveText(/1(\.0)? ?(KiB|KB|kB|kilobyte).*\.$/);
    await imports.open(app);
    await expect(imports.rows).toHaveCount(0);
    const job = await imports.upload(tinyFile());
    await job.expectStatus('SUCCESS', { timeout: 20_000 });
  });

  test('is refused by the server itself too', async ({ startApp }) => {
    const app = await startApp({ settings: { MAX_UPLOAD_SIZE: '1KiB' } });
    const session = await Session.createOwner(app);
    const answer = await session.upload(large);
    expect(answer.status).toBe(413);
    expect(((await answer.json()) as { error: string }).error).toMatch(/\.$/);
    expect(app.log).not.toContain('panicked');
  });
});

test.describe('an upload that is not the form’s', () => {
  test('is refused without a session', async ({ app }) => {
    const body = new FormData();
    body.append('file', new File(['sku\nA\n'], 'a.csv'));
    const answer = await fetch(app.url('/imports'), {
      method: 'POST',
      headers: { accept: 'application/json', origin: app.origin },
      body,
    });
    expect(answer.status).toBe(401);
  });

  test('is refused from another site', async ({ app, session }) => {
    const body = new FormData();
    body.append('file', new File(['sku\nA\n'], 'a.csv'));
    const answer = await fetch(app.url('/imports'), {
      method: 'POST',
      headers: { accept: 'application/json', origin: 'https://evil.example', cookie: session.cookie },
      body,
    });
    expect(answer.status).toBe(403);
  });

  test('is refused where the field is missing', async ({ session, app }) => {
    const body = new FormData();
    body.append('other', 'no file');
    const headers = { accept: 'application/json' };
    const answer = await session.fetch('/imports', { method: 'POST', headers, body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    const torn = await session.fetch('/imports', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'multipart/form-data; boundary=x' },
      body: '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nsku',
    });
    expect(torn.status).toBeGreaterThanOrEqual(400);
    expect(torn.status).toBeLessThan(500);
    expect(app.log).not.toContain('panicked');
  });
});

for (const path of ['/imports/no-such-import', '/imports/%00', '/no/such/page']) {
  test(`${path} is not found, with a page that says so`, async ({ page, complaints }) => {
    complaints.allowStatus(404);
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    await expect(page.getByTestId('not-found')).toBeVisible();
  });
}

test('an import of somebody else is not found either', async ({ page, app, session, complaints }) => {
  complaints.allowStatus(404);
  const id = await session.startImport(tinyFile());
  const other = { name: 'Grace', email: 'grace@example.com', password: 'her own long passphrase' };
  const made = await app.run(
    ['user', 'create', '--email', other.email, '--name', other.name],
    `${other.password}\n`,
  );
  expect(made, made.stderr).toMatchObject({ code: 0 });
  await page.context().clearCookies();
  await signIn(page, app, other);
  await expect(page.getByTestId('upload-form')).toBeVisible();
  await expect(page.getByTestId('job-row')).toHaveCount(0);
  const answer = await page.goto(`/imports/${id}`);
  expect(answer?.status()).toBe(404);
  await expect(page.getByTestId('not-found')).toBeVisible();
});

test.describe('a setting that cannot be used', () => {
  for (const [name, value] of [
    ['SSE_HEARTBEAT', '20s'],
    ['MAX_UPLOAD_SIZE', 'big'],
    ['LISTEN_ADDR', '3000'],
    ['NEXTAUTH_URL', 'ftp://example.com'],
    ['MONITOR_PRICE_APP_HOST', 'localhost:4000'],
    ['DATABASE_URL', 'mysql://root:hunter2@localhost/shop'],
  ] as const) {
    test(`stops the start with one line: ${name}`, async () => {
      const { code, stdout, stderr } = await run([], { [name]: value });
      expect(code).toBeGreaterThan(0);
      const lines = (stdout + stderr).split('\n').filter((line) => line.trim() !== '');
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(name);
      expect(lines[0]).toContain('expected');
      expect(lines[0]).not.toContain('hunter2');
    });
  }

  test('and is a secret is not repeated', async () => {
    const { code, stdout, stderr } = await run([], { PRICE_MONITOR_API_KEY: 'hunter 2' });
    expect(code).toBeGreaterThan(0);
    expect(stdout + stderr).toContain('PRICE_MONITOR_API_KEY');
    expect(stdout + stderr).not.toContain('hunter');
  });

  test('and is missing is named', async () => {
    const { code, stderr } = await run([], { MONITOR_PRICE_APP_HOST: 'http://127.0.0.1:9' });
    expect(code).toBeGreaterThan(0);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('PRICE_MONITOR_API_KEY is not set');
  });

  test('as an address in use is, stops the start in one line too', async ({ app }) => {
    const listen = `127.0.0.1:${String(app.port)}`;
    const { code, stderr } = await run([], { LISTEN_ADDR: listen });
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(listen);
    expect(stderr).not.toContain('panicked');
  });
});

test('--help lists every setting, and its default', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const name of ['MONITOR_PRICE_APP_HOST', 'PRICE_MONITOR_API_KEY', 'SSE_HEARTBEAT', 'DATA_DIR']) {
    expect(stdout).toContain(name);
  }
});

test('the server lives through requests that are nonsense', async ({ app, session }) => {
  for (const [path, method] of [
    ['/api/list_imports?page=-1', 'GET'],
    ['/api/list_imports?page=99999999999999999999', 'GET'],
    ['/api/list_imports?page=18446744073709551615', 'GET'],
    ['/api/get_import?id=..%2F..', 'GET'],
    ['/api/list_products?search=%25%27%22%3B--&page=0', 'GET'],
    ['/api/no_such_function', 'POST'],
    ['/pkg/..%2F..%2Fdata%2Fimport-relay.db', 'GET'],
    ['/imports', 'POST'],
    ['/api/sign_in', 'POST'],
  ] as const) {
    const answer = await session.fetch(path, { method, body: method === 'POST' ? binary : undefined });
    expect(answer.status, path).not.toBe(500);
    expect(await answer.text(), path).not.toContain('SQLite format 3');
  }
  expect(app.log).not.toContain('panicked');
  expect((await session.fetch('/api/current_user')).status).toBe(200);
});
