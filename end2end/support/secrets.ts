import type { BrowserContext, Page } from '@playwright/test';

import type { Settings } from './app.ts';

/** Fixed secrets of every server under test, to be recognized anywhere. */
export const fixedSecrets = {
  AUTH_SECRET: 'e2e-auth-secret-9c27b1d0',
  AUTH_SECRET_1: 'e2e-auth-secret-older-1b44',
  METRICS_TOKEN: 'e2e-metrics-token-77e0a2',
  PRICE_MONITOR_API_KEY: 'e2e-price-monitor-key-5f1d',
} satisfies Settings;

/** The start of every password hash. */
const hash = '$argon2';

/** A secret as text, in hex, and in Base64 at any offset. */
function forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const inBase64 = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // Without characters that depend on neighbouring bytes.
    const begin = Math.ceil((before * 8) / 6);
    const end = Math.floor(((before + bytes.length) * 8) / 6);
    const inner = text.slice(begin, end);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const hex = bytes.toString('hex');
  return [secret, encodeURIComponent(secret), hex, hex.toUpperCase(), ...inBase64];
}

/** Searches everything sent to a browser for secrets. */
export class SecretWatch {
  readonly #needles = new Map<string, string>();
  readonly #found: string[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  #bytes = 0;

  constructor() {
    this.add('a password hash', hash);
    for (const [name, secret] of Object.entries(fixedSecrets)) this.add(name, secret);
  }

  add(name: string, secret: string): void {
    for (const form of forms(secret)) this.#needles.set(form, name);
  }

  /** Adds the values of `Cookie` pairs, which belong in headers but in no body. */
  addCookies(header: string): void {
    for (const pair of header.split('; ')) {
      const value = pair.slice(pair.indexOf('=') + 1);
      if (value.length >= 32) this.add('a session', value);
    }
  }

  watch(context: BrowserContext): void {
    context.on('response', (response) => {
      const where = response.url();
      const type = response.headers()['content-type'] ?? '';
      // Streams are read separately; page-speed.spec.ts tests the bundle, which is large and the same for everyone.
      if (type.startsWith('text/event-stream') || where.includes('/pkg/')) return;
      // A body that the page has left is not available.
      this.#wait(response.body().then((body) => this.look(where, body.toString('latin1'))));
    });
    for (const page of context.pages()) this.#streams(context, page);
    context.on('page', (page) => this.#streams(context, page));
  }

  /** The messages of event streams, which do not end. */
  #streams(context: BrowserContext, page: Page): void {
    const listen = async () => {
      const devtools = await context.newCDPSession(page);
      devtools.on('Network.eventSourceMessageReceived', ({ data, eventId, eventName }) => {
        this.look('an event stream', `${eventName} ${eventId} ${data}`);
      });
      await devtools.send('Network.enable');
    };
    this.#wait(listen());
  }

  #wait(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  look(where: string, text: string): void {
    this.#bytes += text.length;
    for (const [needle, name] of this.#needles) {
      if (text.includes(needle)) this.#found.push(`${name} in ${where}`);
    }
  }

  /** Number of bytes searched. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Waits for pending bodies. Returns the secrets found. */
  async found(): Promise<string[]> {
    const patience = new Promise((done) => setTimeout(done, 500).unref());
    await Promise.race([Promise.all(this.#pending), patience]);
    return [...new Set(this.#found)];
  }
}
