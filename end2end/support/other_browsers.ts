import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import WebSocket from 'ws';

import { freePort, until } from './net.ts';

/** A browser that Playwright cannot drive as packaged by distributions: the minimum for a journey. */
export interface OtherBrowser {
  goto(url: string): Promise<void>;
  /** Evaluates an expression with a JSON result in the page. */
  evaluate<T>(expression: string): Promise<T>;
  close(): Promise<void>;
}

/** Ends a process and removes its directory. */
async function end(process: ChildProcess, directory: string): Promise<void> {
  const ended = new Promise((done) => process.once('exit', done));
  process.kill('SIGTERM');
  const patience = setTimeout(() => process.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(patience);
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Firefox, by WebDriver BiDi. */
export class Firefox implements OtherBrowser {
  #next = 0;
  readonly #waiting = new Map<number, (answer: Record<string, unknown>) => void>();
  #context = '';

  private constructor(
    private readonly process: ChildProcess,
    private readonly directory: string,
    private readonly socket: WebSocket,
  ) {
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as { id?: number } & Record<string, unknown>;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  static async start(program: string): Promise<Firefox> {
    const directory = await mkdtemp(join(tmpdir(), 'import-relay-firefox-'));
    const settings = {
      'app.update.disabledForTesting': true,
      'browser.shell.checkDefaultBrowser': false,
      'datareporting.policy.dataSubmissionEnabled': false,
      'intl.accept_languages': 'en-GB',
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'toolkit.telemetry.server': '',
    };
    const lines = Object.entries(settings).map(([name, value]) => `user_pref('${name}', ${JSON.stringify(value)});`);
    await writeFile(join(directory, 'user.js'), lines.join('\n'));
    const port = await freePort();
    const process = spawn(program, [
      ...['--headless', '--no-remote', '--profile', directory],
      ...['--remote-debugging-port', String(port), 'about:blank'],
    ]);
    const socket = await until('Firefox to listen', () => connect(`ws://127.0.0.1:${String(port)}/session`), 60_000);
    const firefox = new Firefox(process, directory, socket);
    await firefox.#send('session.new', { capabilities: {} });
    const tree = await firefox.#send<{ contexts: { context: string }[] }>('browsingContext.getTree', {});
    firefox.#context = tree.contexts[0]?.context ?? '';
    return firefox;
  }

  async goto(url: string): Promise<void> {
    await this.#send('browsingContext.navigate', { context: this.#context, url, wait: 'complete' });
  }

  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#send<{ result?: { value?: string }; exceptionDetails?: { text: string } }>('script.evaluate', {
      // The result may be `undefined`, which JSON cannot represent.
      expression: `(async () => JSON.stringify({ value: await (${expression}) }))()`,
      target: { context: this.#context },
      awaitPromise: true,
    });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.text);
    return (JSON.parse(answer.result?.value ?? '{}') as { value: T }).value;
  }

  async close(): Promise<void> {
    this.socket.close();
    await end(this.process, this.directory);
  }

  async #send<T = unknown>(method: string, params: object): Promise<T> {
    const id = (this.#next += 1);
    const answer = await new Promise<Record<string, unknown>>((done) => {
      this.#waiting.set(id, done);
      this.socket.send(JSON.stringify({ id, method, params }));
    });
    this.#waiting.delete(id);
    if (answer.type === 'error') throw new Error(`${method}: ${String(answer.message)}`);
    return answer.result as T;
  }
}

/** Connects, if the port is open. */
function connect(url: string): Promise<WebSocket | undefined> {
  return new Promise((done) => {
    const socket = new WebSocket(url);
    socket.once('open', () => done(socket));
    socket.once('error', () => done(undefined));
  });
}

/** WebKitGTK, by WebDriver, on a virtual display. */
export class WebKit implements OtherBrowser {
  private constructor(
    private readonly process: ChildProcess,
    private readonly directory: string,
    private readonly driver: string,
    private session: string,
  ) {}

  static async start(program: string): Promise<WebKit> {
    const directory = await mkdtemp(join(tmpdir(), 'import-relay-webkit-'));
    const port = await freePort();
    const process = spawn('xvfb-run', ['--auto-servernum', program, `--port=${String(port)}`, '--host=127.0.0.1'], {
      env: {
        ...globalThis.process.env,
        HOME: directory,
        XDG_RUNTIME_DIR: directory,
        LANG: 'en_GB.UTF-8',
        NO_AT_BRIDGE: '1',
        // There is no GPU, and its sandbox does not work as root.
        LIBGL_ALWAYS_SOFTWARE: '1',
        WEBKIT_DISABLE_COMPOSITING_MODE: '1',
        WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      },
      detached: true,
    });
    const driver = `http://127.0.0.1:${String(port)}`;
    const webkit = new WebKit(process, directory, driver, '');
    await until('WebKitWebDriver to listen', async () => {
      const answer = await fetch(`${driver}/status`).catch(() => undefined);
      return answer?.ok || undefined;
    });
    const { sessionId } = await webkit.#ask<{ sessionId: string }>('/session', {
      capabilities: { alwaysMatch: { timeouts: { pageLoad: 60_000, script: 30_000 } } },
    });
    webkit.session = `/session/${sessionId}`;
    return webkit;
  }

  async goto(url: string): Promise<void> {
    await this.#ask(`${this.session}/url`, { url });
  }

  evaluate<T>(expression: string): Promise<T> {
    const script = `const done = arguments[0]; (async () => (${expression}))().then(done, (error) => done(String(error)));`;
    return this.#ask(`${this.session}/execute/async`, { script, args: [] });
  }

  async close(): Promise<void> {
    await fetch(`${this.driver}${this.session}`, { method: 'DELETE' }).catch(() => undefined);
    // The display server and the driver are children of its group.
    const { pid } = this.process;
    const ended = new Promise((done) => this.process.once('exit', done));
    if (pid) process.kill(-pid, 'SIGTERM');
    await ended;
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #ask<T = unknown>(path: string, body: object): Promise<T> {
    const answer = await fetch(this.driver + path, { method: 'POST', body: JSON.stringify(body) });
    const { value } = (await answer.json()) as { value: T & { error?: string; message?: string } };
    if (!answer.ok) throw new Error(`${path}: ${String(value.error)}: ${String(value.message)}`);
    return value;
  }
}
