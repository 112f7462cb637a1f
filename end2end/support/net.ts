import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Finds a free loopback port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Calls `check` every 50 ms until it returns something other than `undefined`. */
export async function until<T>(
  what: string,
  check: () => T | undefined | Promise<T | undefined>,
  deadline = 15_000,
): Promise<T> {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${deadline} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
