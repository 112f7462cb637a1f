// Checks that every relative link in the documentation leads to a file, every #anchor to a heading, and that files named in the text
// exist.
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { execFileSync } from 'node:child_process';

const root = join(import.meta.dirname, '..');
const list = (...patterns) =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((file) => existsSync(join(root, file)));
const pages = list('*.md');
const withoutCode = (text) => text.replace(/^```.*?^```/gms, '');

/** Returns a page's anchors as GitHub makes them. */
function anchors(path) {
  const headings = withoutCode(readFileSync(path, 'utf8')).matchAll(/^#+ (.*)$/gm);
  return new Set(
    Array.from(headings, ([, heading]) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

const names = new Set(list().map((file) => basename(file)));
/** Where paths in the text begin. */
const places = ['', 'src', 'src/server', 'crates/import-relay-hook/src'];
/** A source file with or without its directory, in backticks. */
const sourceFile = /`((?:[\w.-]+\/)*[\w.-]+\.(?:rs|sh|mjs|js|ts|sql|toml))`/g;

function exists(file, page) {
  if (!file.includes('/')) return names.has(file);
  return [dirname(page), ...places].some((place) => existsSync(join(root, place, file)));
}

let broken = 0;
for (const page of pages) {
  const path = join(root, page);
  for (const [, link] of withoutCode(readFileSync(path, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(link)) continue;
    const [file, anchor] = link.split('#');
    const target = file ? join(dirname(path), file) : path;
    const isThere = existsSync(target) && (!anchor || anchors(target).has(anchor));
    if (isThere) continue;
    console.error(`${page}: ${link} leads nowhere (${relative(root, target)})`);
    broken += 1;
  }
  // The changelog tells of files that were.
  if (page === 'CHANGELOG.md') continue;
  for (const [, file] of withoutCode(readFileSync(path, 'utf8')).matchAll(sourceFile)) {
    if (exists(file, page)) continue;
    console.error(`${page}: there is no ${file}`);
    broken += 1;
  }
}
process.exit(broken ? 1 : 0);
