import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

/** A file with a few invalid rows. */
export const smallFile = {
  path: join(import.meta.dirname, '../fixtures/products.csv'),
  total: 12,
  valid: ['BOWL-01', 'CUP-01', 'CUP-02', 'FORK-01', 'JUG-01', 'KNIFE-01', 'PLATE-01', 'PLATE-02', 'SPOON-01'],
  failed: ['BOWL-02', 'CUP-03', 'JUG-02'],
};

/** Writes a file of `rows` products, the same for every run. Returns its path. */
export async function writeProducts(path: string, rows: number): Promise<string> {
  const file = createWriteStream(path);
  file.write('sku,name,price\n');
  for (let row = 1; row <= rows; row += 1) {
    const price = `${String(((row * 7919) % 900) + 1)}.${String(row % 100).padStart(2, '0')}`;
    if (!file.write(`${sku(row)},"Product ${String(row)}, size ${String(row % 50)}",${price}\n`)) {
      await once(file, 'drain');
    }
  }
  file.end();
  await once(file, 'close');
  return path;
}

/** The SKU of a row, from 1, of a file by `writeProducts`. */
export function sku(row: number): string {
  return `SKU-${String(row).padStart(7, '0')}`;
}

/** A product file of a few rows, for tests where its content does not matter. */
export function tinyFile(name = 'products.csv') {
  return {
    name,
    mimeType: 'text/csv',
    buffer: Buffer.from('sku,name,price\nCUP-01,Cup,4.50\nCUP-02,Large cup,5.50\n'),
  };
}
