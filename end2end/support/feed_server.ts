import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A supplier's server: a file over TLS on loopback, with an ETag. */
export class FeedServer {
  /** Number of requests, and of those answered with 304. */
  asked = 0;
  unchanged = 0;
  #body = '';
  #tag = 0;

  private constructor(
    readonly url: string,
    /** The file with the certificate to trust. */
    readonly certificate: string,
    private readonly server: Server,
    private readonly directory: string,
  ) {}

  static async start(body: string): Promise<FeedServer> {
    const directory = mkdtempSync(join(tmpdir(), 'import-relay-feed-'));
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE'];
    execFileSync('openssl', [...request, ...subject, ...leaf, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
    const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const it = new FeedServer(`https://localhost:${String(port)}/products.csv`, certificate, server, directory);
    it.change(body);
    server.on('request', (asked, answer) => {
      it.asked += 1;
      const tag = `"${String(it.#tag)}"`;
      if (asked.headers['if-none-match'] === tag) {
        it.unchanged += 1;
        answer.writeHead(304).end();
      } else {
        answer.writeHead(200, { 'content-type': 'text/csv', etag: tag }).end(it.#body);
      }
    });
    return it;
  }

  /** Replaces the file. */
  change(body: string): void {
    this.#body = body;
    this.#tag += 1;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
