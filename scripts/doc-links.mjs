// Checks that every relative link in the documentation leads to a file, and every #anchor to a heading.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { execFileSync } from 'node:child_process';

const root = join(import.meta.dirname, '..');
const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n');
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

let broken = 0;
for (const page of pages.filter((page) => existsSync(join(root, page)))) {
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
}
process.exit(broken ? 1 : 0);
