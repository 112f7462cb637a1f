import { createServer, request as forward, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AddressInfo, connect } from 'node:net';

/** A forward HTTP proxy (RFC 9110, sections 7.6 and 9.3.6). Connects every target to the same port of this machine. */
export class ForwardProxy {
  /** Targets of tunnels. */
  readonly tunnels: string[] = [];
  /** Requests without a tunnel. */
  readonly requests: string[] = [];

  /** Tunnels, which the server no longer counts as connections. */
  readonly #open = new Set<Duplex>();

  private constructor(private readonly server: Server) {}

  static async start(target: number): Promise<ForwardProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new ForwardProxy(server);
    server.on('connect', ({ url = '' }, client, head) => {
      proxy.tunnels.push(url);
      proxy.#open.add(client);
      client.on('close', () => proxy.#open.delete(client));
      const onward = connect(target, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.write(head);
        onward.pipe(client).pipe(onward);
      });
      onward.on('error', () => client.destroy());
      client.on('error', () => onward.destroy());
    });
    server.on('request', (incoming, outgoing) => {
      const { method, url = '', headers } = incoming;
      proxy.requests.push(url);
      const { pathname, search } = new URL(url);
      const options = { host: '127.0.0.1', port: target, method, path: pathname + search, headers };
      const onward = forward(options, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    for (const tunnel of this.#open) tunnel.destroy();
    await closed;
  }
}
