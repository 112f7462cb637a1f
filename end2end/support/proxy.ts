import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that records every byte sent to the browser, uncompressed so that it can be searched. */
export class RecordingProxy {
  /** Content types of answers. */
  readonly contentTypes = new Set<string>();
  readonly #chunks: Buffer[] = [];

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(target: number): Promise<RecordingProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new RecordingProxy(server, (server.address() as AddressInfo).port);
    server.on('request', (incoming, outgoing) => {
      const headers = { ...incoming.headers, 'accept-encoding': 'identity' };
      const { method, url } = incoming;
      const onward = forward({ host: '127.0.0.1', port: target, method, path: url, headers });
      onward.on('response', (answer) => {
        proxy.contentTypes.add(answer.headers['content-type'] ?? '');
        proxy.#chunks.push(Buffer.from(answer.rawHeaders.join('\n')));
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        outgoing.flushHeaders();
        answer.on('data', (chunk: Buffer) => proxy.#chunks.push(chunk));
        answer.on('error', () => outgoing.destroy());
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      incoming.pipe(onward);
    });
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /** Everything recorded, one character per byte. */
  get recorded(): string {
    return Buffer.concat(this.#chunks).toString('latin1');
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }
}
