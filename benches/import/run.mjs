// Imports a generated file in three ways and prints rows per second: Import Relay's price monitor (parse, validate,
// upsert into SQLite), the sqlite3 shell's `.import` into a table with the same indexes, and a straightforward Node
// importer. If IMPORT_RELAY_POSTGRES names a server (a URL without a database, whose user may create some), also into
// PostgreSQL, beside psql's `\copy` into a table with the key only.
//
//   node benches/import/run.mjs [--rows 1000000] [--runs 1] [--large]
//
// Then the same again, and over products that are there with other prices, with change sets and without, on each database.
//
// Fails below 0.9 of the sqlite3 shell, 0.5 of `\copy`, or 0.8 of the import without change sets.
//
// Also fails if progress events are inconsistent or more than half a second late. `--large` also imports a file of 1
// GB, and fails above 150 MiB of resident memory.
import { execFileSync, spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, openAsBlob, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
const binary = process.env.IMPORT_RELAY_BIN ?? join(target, 'release/import-relay');
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '1' },
    large: { type: 'boolean', default: false },
  },
});
const rows = Number(options.rows);
const directory = mkdtempSync(join(tmpdir(), 'import-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

function sample(name, count) {
  const file = join(directory, name);
  execFileSync(binary, ['sample', '--rows', String(count), '--shape', 'plain'], {
    stdio: ['ignore', openSync(file, 'w'), 'inherit'],
  });
  return file;
}

/** Fails unless a state has its required fields and counts. Returns the processed count. */
function checkProgress(state, before, expected) {
  const counts = ['processedProducts', 'failedProducts', 'totalProducts', 'addedProducts', 'updatedProducts'];
  const done = state.processedProducts + state.failedProducts;
  const fits =
    counts.every((name) => Number.isInteger(state[name]) && state[name] >= 0) &&
    typeof state.id === 'string' &&
    [0, expected].includes(state.totalProducts) &&
    done >= before &&
    done <= state.totalProducts;
  if (!fits) throw new Error(`what is told of the import does not fit together: ${JSON.stringify(state)}`);
  return done;
}

/**
 * Returns the seconds of a whole import from the answered upload on, and the maximum resident memory. With `before_it`
 * that file is imported first, and the measured import changes its products.
 */
async function importRelay(file, expected, database, settings = {}, before_it) {
  const data = mkdtempSync(join(directory, 'data-'));
  const child = spawn(binary, ['price-monitor', '--listen', '127.0.0.1:0'], {
    env: {
      PATH: process.env.PATH,
      DATA_DIR: data,
      PRICE_MONITOR_API_KEY: 'bench',
      RUST_LOG: 'warn',
      MAX_UPLOAD_SIZE: '8GiB',
      ...(database && { DATABASE_URL: database }),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await new Promise((done) => createInterface(child.stdout).once('line', (...all) => done(all)));
    const api = `${line.match(/http:\S+/)[0]}/api/products/imports`;
    const headers = { 'X-API-Key': 'bench' };
    const upload = async (path) => {
      const form = new FormData();
      form.append('file', await openAsBlob(path), 'bench.csv');
      return (await (await fetch(api, { method: 'POST', headers, body: form })).json()).id;
    };
    let state;
    if (before_it) {
      const first = await upload(before_it);
      do {
        await new Promise((done) => setTimeout(done, 200));
        state = await (await fetch(`${api}/${first}`, { headers })).json();
      } while (state.status === 'PENDING');
    }
    const id = await upload(file);
    const started = performance.now();
    let before = 0;
    let slowest = 0;
    do {
      await new Promise((done) => setTimeout(done, 50));
      const asked = performance.now();
      state = await (await fetch(`${api}/${id}`, { headers })).json();
      slowest = Math.max(slowest, performance.now() - asked);
      before = checkProgress(state, before, expected);
    } while (state.status === 'PENDING');
    const seconds = (performance.now() - started) / 1000;
    if (state.status !== 'SUCCESS' || (before_it ? state.updatedProducts : state.addedProducts) !== expected) {
      throw new Error(`the import came out wrong: ${JSON.stringify(state)}`);
    }
    if (slowest > 500) throw new Error(`an answer took ${slowest.toFixed(0)} ms meanwhile`);
    const resident = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
    return { seconds, slowest, mebibytes: resident ? Number(resident[1]) / 1024 : NaN };
  } finally {
    child.kill('SIGKILL');
    rmSync(data, { recursive: true, force: true });
  }
}

const columns = 'SKU,Name,Price,Currency,EAN,Stock,Availability,URL,Brand,Category,Weight,Description'.split(',');
const table = `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
CREATE TABLE products (${columns.map((name) => `${name} TEXT${name === 'SKU' ? ' PRIMARY KEY NOT NULL' : ''}`).join(', ')});
CREATE INDEX products_by_name ON products (Name, SKU);`;

function sqliteShell(file) {
  const database = join(directory, 'shell.db');
  const started = performance.now();
  execFileSync('sqlite3', [database], {
    input: `${table}\n.mode csv\n.import --skip 1 "${file}" products\n`,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const seconds = (performance.now() - started) / 1000;
  const count = Number(execFileSync('sqlite3', [database, 'SELECT count(*) FROM products']));
  if (count !== rows) throw new Error(`sqlite3 imported ${count} rows`);
  for (const end of ['', '-wal', '-shm']) rmSync(database + end, { force: true });
  return { seconds };
}

async function nodeImporter(file) {
  const { default: Database } = await import('better-sqlite3');
  const { parse } = await import('csv-parse');
  const path = join(directory, 'node.db');
  const db = new Database(path);
  const started = performance.now();
  db.exec(table);
  const insert = db.prepare(
    `INSERT INTO products VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT (SKU) DO UPDATE SET
      ${columns.slice(1).map((name) => `${name} = excluded.${name}`).join(', ')}`,
  );
  const write = db.transaction((batch) => {
    for (const row of batch) insert.run(row);
  });
  let batch = [];
  for await (const row of createReadStream(file).pipe(parse({ from: 2 }))) {
    batch.push(row);
    if (batch.length === 1000) {
      write(batch);
      batch = [];
    }
  }
  write(batch);
  const seconds = (performance.now() - started) / 1000;
  db.close();
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
  return { seconds };
}

const server = process.env.IMPORT_RELAY_POSTGRES;

/** Creates an empty database. Returns its URL. */
function newDatabase(name) {
  for (const sql of [`DROP DATABASE IF EXISTS ${name}`, `CREATE DATABASE ${name}`]) {
    execFileSync('psql', ['-qc', sql, `${server}/postgres`], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return `${server}/${name}`;
}

function psqlCopy(file) {
  const database = newDatabase('copy_bench');
  const bare = `CREATE TABLE products (${columns.map((name) => `${name} TEXT${name === 'SKU' ? ' PRIMARY KEY' : ''}`).join(', ')})`;
  execFileSync('psql', ['-qc', bare, database]);
  const started = performance.now();
  execFileSync('psql', ['-qc', `\\copy products FROM '${file}' WITH (FORMAT csv, HEADER)`, database]);
  return { seconds: (performance.now() - started) / 1000 };
}

const file = sample('bench.csv', rows);
console.log(`${rows} rows, ${columns.length} columns, ${(statSync(file).size / 1e6).toFixed(0)} MB`);
const ways = [
  ['Import Relay', () => importRelay(file, rows)],
  ['sqlite3 .import', () => sqliteShell(file)],
  ['Node (csv-parse, better-sqlite3)', () => nodeImporter(file)],
];
if (server) {
  ways.push(['Import Relay on PostgreSQL', () => importRelay(file, rows, newDatabase('import_bench'))]);
  ways.push(['psql \\copy', () => psqlCopy(file)]);
}
// The same products with other prices, for the cost of recording changes.
const dearer = join(directory, 'dearer.csv');
await pipeline(
  createInterface({ input: createReadStream(file) }),
  async function* (lines) {
    for await (const line of lines) {
      yield `${line.replace(/^([^,]*,[^,]*,)([\d.]+)/, (_, before, price) => before + (price * 1.1 + 0.01).toFixed(2))}\n`;
    }
  },
  createWriteStream(dearer),
);
const none = { CHANGES_RETENTION: '0s' };
ways.push(['Import Relay, nothing noted', () => importRelay(file, rows, undefined, none)]);
ways.push(['Import Relay, over products', () => importRelay(dearer, rows, undefined, {}, file)]);
ways.push(['Import Relay, over products, nothing noted', () => importRelay(dearer, rows, undefined, none, file)]);
if (server) {
  const database = () => newDatabase('import_bench');
  const name = 'Import Relay on PostgreSQL';
  ways.push([`${name}, nothing noted`, () => importRelay(file, rows, database(), none)]);
  ways.push([`${name}, over products`, () => importRelay(dearer, rows, database(), {}, file)]);
  ways.push([`${name}, over products, nothing noted`, () => importRelay(dearer, rows, database(), none, file)]);
}
const goals = [
  ['sqlite3 .import', 'Import Relay', 0.9],
  ['psql \\copy', 'Import Relay on PostgreSQL', 0.5],
  ['Import Relay, nothing noted', 'Import Relay', 0.8],
  ['Import Relay, over products, nothing noted', 'Import Relay, over products', 0.8],
  ['Import Relay on PostgreSQL, nothing noted', 'Import Relay on PostgreSQL', 0.8],
  ['Import Relay on PostgreSQL, over products, nothing noted', 'Import Relay on PostgreSQL, over products', 0.8],
];
const best = new Map();
for (let run = 0; run < Number(options.runs); run += 1) {
  for (const [name, way] of ways) {
    try {
      const { seconds, mebibytes, slowest } = await way();
      const memory = mebibytes ? `, ${mebibytes.toFixed(0)} MiB resident, answers within ${slowest.toFixed(0)} ms meanwhile` : '';
      console.log(`${name}: ${Math.round(rows / seconds)} rows/s (${seconds.toFixed(2)} s${memory})`);
      best.set(name, Math.min(best.get(name) ?? Infinity, seconds));
    } catch (error) {
      console.log(`${name}: not measured: ${error.message.split('\n')[0]}`);
    }
  }
}
for (const [other, ours, goal] of goals) {
  const ratio = best.get(other) / best.get(ours);
  if (Number.isNaN(ratio)) continue;
  console.log(`${ours}: ${ratio.toFixed(2)} x ${other} (${goal} at least)`);
  if (ratio < goal) process.exitCode = 1;
}
const node = best.get('Node (csv-parse, better-sqlite3)');
if (node) console.log(`Import Relay: ${(node / best.get('Import Relay')).toFixed(2)} x Node`);
if (options.large) {
  const each = statSync(file).size / rows;
  const many = Math.ceil(1e9 / each);
  const large = sample('large.csv', many);
  const { seconds, mebibytes } = await importRelay(large, many);
  console.log(
    `${(statSync(large).size / 1e9).toFixed(2)} GB, ${many} rows: ${Math.round(many / seconds)} rows/s, ${mebibytes.toFixed(0)} MiB resident at most`,
  );
  if (!(mebibytes < 150)) {
    console.error('more than 150 MiB were resident');
    process.exitCode = 1;
  }
}
