import type { Page } from '@playwright/test';

// A font of one block for every character: text has the same size on every machine, whatever fonts it has.

const UNITS = 1000;
const ADVANCE = 550;
const ASCENT = 950;
const DESCENT = 250;
/** The characters that have a block: Latin, punctuation, currencies, arrows. Spaces are empty. */
const RANGES = [
  [0x20, 0x17f],
  [0x2010, 0x2040],
  [0x20a0, 0x20bf],
  [0x2190, 0x21ff],
  [0x2212, 0x2212],
] as const;
const SPACES = new Set([0x20, 0xa0, 0x202f]);

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value & 0xffff, index * 2));
  return bytes;
};
const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4));
  return bytes;
};

/** Maps each character to the block (glyph 1) or to a space (glyph 2): format 4, a segment for each. */
function cmap(): Buffer {
  const characters = RANGES.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
  const codes = [...characters, 0xffff];
  const deltas = codes.map((code) => (code === 0xffff ? 1 : (SPACES.has(code) ? 2 : 1) - code));
  const count = codes.length;
  const log = Math.floor(Math.log2(count));
  const range = 2 * 2 ** log;
  const body = Buffer.concat([
    u16(count * 2, range, log, count * 2 - range),
    u16(...codes, 0, ...codes, ...deltas, ...codes.map(() => 0)),
  ]);
  const table = Buffer.concat([u16(4, body.length + 6, 0), body]);
  return Buffer.concat([u16(0, 1, 3, 1), u32(12), table]);
}

function glyphs(): { glyf: Buffer; loca: Buffer } {
  const [left, bottom, right, top] = [40, 0, 510, 640];
  const block = Buffer.concat([
    u16(1, left, bottom, right, top, 3, 0),
    // Four points on the curve, as words.
    Buffer.from([1, 1, 1, 1]),
    u16(left, 0, right - left, 0, bottom, top - bottom, 0, bottom - top),
  ]);
  return { glyf: Buffer.concat([block, block]), loca: u32(0, block.length, 2 * block.length, 2 * block.length) };
}

function names(): Buffer {
  const text = Buffer.from('Blocks', 'utf16le').swap16();
  const ids = [1, 2, 4, 6];
  const records = ids.map((id) => u16(3, 1, 0x409, id, text.length, 0));
  return Buffer.concat([u16(0, ids.length, 6 + 12 * ids.length), ...records, text]);
}

function checksum(table: Buffer): number {
  let sum = 0;
  for (let index = 0; index < table.length; index += 4) sum = (sum + table.readUInt32BE(index)) >>> 0;
  return sum;
}

/** Returns the font as a TrueType file. */
export function blocksFont(): Buffer {
  const { glyf, loca } = glyphs();
  const head = Buffer.concat([
    u32(0x00010000, 0x00010000, 0, 0x5f0f3cf5),
    u16(0x000b, UNITS),
    Buffer.alloc(16),
    u16(0, -DESCENT, ADVANCE, ASCENT, 0, 8, 2, 1, 0),
  ]);
  const hhea = Buffer.concat([
    u32(0x00010000),
    u16(ASCENT, -DESCENT, 0, ADVANCE, 40, 40, 510, 1, 0, 0, 0, 0, 0, 0, 0, 1),
  ]);
  const hmtx = u16(ADVANCE, 40, 40, 0);
  const maxp = Buffer.concat([u32(0x00010000), u16(3, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)]);
  const os2 = Buffer.concat([
    u16(4, ADVANCE, 400, 5, 0, 650, 600, 0, 75, 650, 600, 0, 350, 50, 300, 0),
    Buffer.alloc(10),
    u32(1, 0, 0, 0),
    Buffer.from('TEST'),
    u16(0x40, 0x20, 0x2212, ASCENT, -DESCENT, 0, ASCENT, DESCENT),
    u32(1, 0),
    u16(500, 640, 0, 0x20, 0),
  ]);
  const post = u32(0x00030000, 0, 0, 0, 0, 0, 0, 0);
  const tables: [string, Buffer][] = [
    ['OS/2', os2],
    ['cmap', cmap()],
    ['glyf', glyf],
    ['head', head],
    ['hhea', hhea],
    ['hmtx', hmtx],
    ['loca', loca],
    ['maxp', maxp],
    ['name', names()],
    ['post', post],
  ];
  const count = tables.length;
  const log = Math.floor(Math.log2(count));
  let offset = 12 + 16 * count;
  const directory: Buffer[] = [];
  const bodies: Buffer[] = [];
  for (const [tag, table] of tables) {
    const padded = Buffer.concat([table, Buffer.alloc((4 - (table.length % 4)) % 4)]);
    directory.push(Buffer.from(tag), u32(checksum(padded), offset, table.length));
    bodies.push(padded);
    offset += padded.length;
  }
  const header = Buffer.concat([u32(0x00010000), u16(count, 16 * 2 ** log, log, 16 * (count - 2 ** log))]);
  const font = Buffer.concat([header, ...directory, ...bodies]);
  const at = 12 + 16 * count + bodies.slice(0, 3).reduce((sum, table) => sum + table.length, 0);
  font.writeUInt32BE((0xb1b0afba - checksum(font)) >>> 0, at + 8);
  return font;
}

/** Writes all text of the page in blocks, and lets nothing move. */
export async function writeInBlocks(page: Page): Promise<void> {
  const font = blocksFont().toString('base64');
  await page.evaluate(async (encoded) => {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    const face = new FontFace('Blocks', bytes);
    document.fonts.add(await face.load());
    // Neither of the two needs what the content security policy refuses.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
      *, *::before, *::after {
        animation: none !important;
        transition: none !important;
        font-family: Blocks !important;
        font-synthesis: none !important;
        /* Widths as the font has them, whatever hinting the machine is set to. */
        text-rendering: geometricPrecision !important;
      }
      .site-header { position: static !important; }
    `);
    document.adoptedStyleSheets.push(sheet);
    await document.fonts.ready;
  }, font);
}
