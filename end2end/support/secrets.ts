import type { BrowserContext, Page } from '@playwright/test';

import type { Settings } from './app.ts';

/** What every server under test is started with, so that it can be told where it turns up. */
export const fixedSecrets = {
  AUTH_SECRET: 'e2e-auth-secret-9c27b1d0',
  AUTH_SECRET_1: 'e2e-auth-secret-older-1b44',
  METRICS_TOKEN: 'e2e-metrics-token-77e0a2',
  PRICE_MONITOR_API_KEY: 'e2e-price-monitor-key-5f1d',
} satisfies Settings;

/** Every password's hash begins like that. */
const hash = '$argon2';

/** A secret as it is, in hex, and in base64 wherever in a longer text it stands. */
function forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const inBase64 = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // What also depends on the bytes around it is left out.
    const begin = Math.ceil((before * 8) / 6);
    const end = Math.floor(((before + bytes.length) * 8) / 6);
    const inner = text.slice(begin, end);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const hex = bytes.toString('hex');
  return [secret, encodeURIComponent(secret), hex, hex.toUpperCase(), ...inBase64];
}

/** Looks through all that a browser is sent for what no browser is to be sent. */
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

  /** Adds the values of `Cookie` pairs: they belong into headers, and into no body. */
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
      // The streams are read as they come, and the compiled program, which is large and the same for
      // everybody, by a test of its own (page-speed.spec.ts).
      if (type.startsWith('text/event-stream') || where.includes('/pkg/')) return;
      // A body that the page has left is sent to nobody.
      this.#wait(response.body().then((body) => this.look(where, body.toString('latin1'))));
    });
    for (const page of context.pages()) this.#streams(context, page);
    context.on('page', (page) => this.#streams(context, page));
  }

  /** The messages of event streams, which have no end to wait for. */
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

  /** How much was looked through. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What was found, once all that came in time is looked through. */
  async found(): Promise<string[]> {
    const patience = new Promise((done) => setTimeout(done, 500).unref());
    await Promise.race([Promise.all(this.#pending), patience]);
    return [...new Set(this.#found)];
  }
}
