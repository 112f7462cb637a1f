import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

import type { App } from './app.ts';

export interface Account {
  name: string;
  email: string;
  password: string;
}

export const owner: Account = {
  name: 'Ada Owner',
  email: 'ada@example.com',
  password: 'a long enough passphrase',
};

export interface Product {
  identity: string;
  sku: string | null;
  name: string;
  price: string | null;
}

export interface Job {
  id: string;
  status: string;
  error: string | null;
  totalProducts: number | null;
  processedProducts: number;
  failedProducts: number;
  failedProductSkus: string[];
}

type FilePayload = { name: string; buffer: Buffer };

/** A signed-in user without a browser. */
export class Session {
  private constructor(
    readonly app: App,
    /** The `Cookie` header. */
    readonly cookie: string,
  ) {}

  static createOwner(app: App, account: Account = owner): Promise<Session> {
    return Session.#post(app, '/api/create_owner', { ...account });
  }

  static signIn(app: App, { email, password }: Account): Promise<Session> {
    return Session.#post(app, '/api/sign_in', { email, password });
  }

  static async #post(app: App, path: string, form: Record<string, string>): Promise<Session> {
    const answer = await fetch(app.url(path), {
      method: 'POST',
      headers: { origin: app.origin },
      body: new URLSearchParams(form),
      redirect: 'manual',
    });
    const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
    if (cookies.length === 0) {
      throw new Error(`${path} set no cookie: ${String(answer.status)} ${await answer.text()}`);
    }
    await answer.body?.cancel();
    return new Session(app, cookies.join('; '));
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('cookie', this.cookie);
    headers.set('origin', this.app.origin);
    return fetch(this.app.url(path), { redirect: 'manual', ...init, headers });
  }

  /** Uploads a file like the page's script. */
  async upload(file: string | FilePayload, options: Record<string, string> = {}): Promise<Response> {
    const { name, buffer } =
      typeof file === 'string' ? { name: basename(file), buffer: await readFile(file) } : file;
    const form = new FormData();
    for (const [name, value] of Object.entries(options)) form.append(name, value);
    form.append('file', new File([new Uint8Array(buffer)], name, { type: 'text/csv' }));
    return this.fetch('/imports', {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: form,
    });
  }

  /** Uploads a file that is accepted. Returns the import's ID. */
  async startImport(file: string | FilePayload, options: Record<string, string> = {}): Promise<string> {
    const answer = await this.upload(file, options);
    const body = await answer.text();
    if (!answer.ok) throw new Error(`the upload was refused: ${String(answer.status)} ${body}`);
    return (JSON.parse(body) as { id: string }).id;
  }

  async job(id: string): Promise<Job> {
    return this.#json(`/api/get_import?${new URLSearchParams({ id }).toString()}`);
  }

  /** All products found by `search`. */
  async products(search = ''): Promise<Product[]> {
    const found: Product[] = [];
    let from: string | null = '';
    while (from !== null) {
      const query = new URLSearchParams({ search, from });
      const list: { items: Product[]; next: string | null } = await this.#json(
        `/api/list_products?${query.toString()}`,
      );
      found.push(...list.items);
      from = list.next;
    }
    return found;
  }

  async productsTotal(): Promise<number> {
    return (await this.#json<{ total: number }>('/api/list_products')).total;
  }

  /** The session's cookies, for a browser. */
  browserCookies() {
    return this.cookie.split('; ').map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return { name, value: value.join('='), url: this.app.origin };
    });
  }

  async #json<T>(path: string): Promise<T> {
    const answer = await this.fetch(path, { headers: { accept: 'application/json' } });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${body}`);
    return JSON.parse(body) as T;
  }
}
