import { createServer, request as forward, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the proxy handles requests for progress streams. */
export type Mode =
  /** Forwards them. */
  | 'pass'
  /** Answers 502, like a proxy whose server restarts. */
  | 'bad-gateway'
  /** Answers 503, like the server while it stops. */
  | 'unavailable'
  /** Answers 429, like the server at its limits. */
  | 'too-many'
  /** Forwards headers and holds every byte back, like some proxies and virus scanners. */
  | 'silent';

/** Status of each mode that rejects streams. */
const refusals: Partial<Record<Mode, number>> = { 'bad-gateway': 502, unavailable: 503, 'too-many': 429 };

/** A proxy between browsers and server that counts their streams and breaks them on request. */
export class FaultProxy {
  mode: Mode = 'pass';
  /** Number of bytes after which the next part of an upload is broken off. */
  breakPartAfter: number | undefined;
  /** The most bytes of a part that are let through; more is answered as nginx does. */
  partLimit: number | undefined;
  /** What parts are answered with in place of being let through. */
  refusePartsWith: number | undefined;
  /** Whether parts are held back until they are released. */
  holdsParts = false;
  readonly #heldParts: (() => void)[] = [];
  /** Where each part of an upload began. */
  readonly partOffsets: number[] = [];
  /** The URL of every request for a stream. */
  readonly asked: string[] = [];
  readonly #open = new Set<ServerResponse>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(target: number): Promise<FaultProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new FaultProxy(server, (server.address() as AddressInfo).port);
    server.on('request', (incoming, outgoing) => {
      const { method, url = '', headers } = incoming;
      let isHeldBack = false;
      if (/^\/api\/jobs\/.*progress/.test(url)) {
        proxy.asked.push(url);
        const refusal = refusals[proxy.mode];
        if (refusal) return outgoing.writeHead(refusal, { 'retry-after': '1' }).end();
        proxy.#open.add(outgoing);
        outgoing.on('close', () => proxy.#open.delete(outgoing));
        isHeldBack = proxy.mode === 'silent';
      }
      const partRefusal =
        Number(headers['content-length']) > (proxy.partLimit ?? Infinity) ? 413 : proxy.refusePartsWith;
      if (method === 'PATCH' && partRefusal) {
        incoming.resume();
        incoming.on('end', () => {
          outgoing.writeHead(partRefusal, { 'content-type': 'text/html' }).end('<h1>No</h1>');
        });
        return;
      }
      const onward = forward({ host: '127.0.0.1', port: target, method, path: url, headers });
      onward.on('response', (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        outgoing.flushHeaders();
        answer.on('error', () => outgoing.destroy());
        if (isHeldBack && answer.statusCode === 200) answer.resume();
        else answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      if (method === 'PATCH') {
        proxy.partOffsets.push(Number(headers['upload-offset']));
        const breakAfter = proxy.breakPartAfter;
        proxy.breakPartAfter = undefined;
        let seen = 0;
        incoming.on('data', (chunk: Buffer) => {
          seen += chunk.length;
          if (breakAfter !== undefined && seen > breakAfter) incoming.destroy();
        });
        incoming.on('close', () => {
          if (!incoming.complete) onward.destroy();
        });
      }
      if (method === 'PATCH' && proxy.holdsParts) {
        // Counting its bytes has set it in motion.
        incoming.pause();
        onward.flushHeaders();
        proxy.#heldParts.push(() => incoming.pipe(onward));
      } else {
        incoming.pipe(onward);
      }
    });
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  get open(): number {
    return this.#open.size;
  }

  breakStreams(): void {
    for (const stream of this.#open) stream.destroy();
  }

  /** Lets parts through that were held back, and those to come. */
  releaseParts(): void {
    this.holdsParts = false;
    for (const release of this.#heldParts.splice(0)) release();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }
}
