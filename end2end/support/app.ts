import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import type { Monitor } from './monitor.ts';
import { freePort, until } from './net.ts';
import { fixedSecrets } from './secrets.ts';

const root = resolve(import.meta.dirname, '../..');
const binary = resolve(process.env.IMPORT_RELAY_BIN ?? join(root, 'target/debug/import-relay'));
const siteRoot = resolve(process.env.LEPTOS_SITE_ROOT ?? join(root, 'target/site'));

export type Settings = Record<string, string>;

export interface AppOptions {
  settings?: Settings;
  /** The external price monitor; by default the embedded one runs. */
  monitor?: Pick<Monitor, 'url' | 'apiKey'>;
  /** The public URL, if not the listen address. */
  publicUrl?: string;
  /** The port, if it must be known in advance. */
  port?: number;
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The server under test: a process with its own directory. */
export class App {
  #process: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);
  #output = '';

  private constructor(
    readonly port: number,
    readonly origin: string,
    private readonly directory: string,
    private readonly settings: Settings,
  ) {}

  static async start(options: AppOptions = {}): Promise<App> {
    const directory = await mkdtemp(join(tmpdir(), 'import-relay-'));
    const port = options.port ?? (await freePort());
    const origin = options.publicUrl ?? `http://127.0.0.1:${port}`;
    const app = new App(port, origin, directory, {
      LISTEN_ADDR: `127.0.0.1:${port}`,
      NEXTAUTH_URL: origin,
      DATA_DIR: join(directory, 'data'),
      RUST_LOG: 'info,import_relay=debug',
      SHUTDOWN_DRAIN: '2s',
      ...fixedSecrets,
      ...(options.monitor && {
        MONITOR_PRICE_APP_HOST: options.monitor.url,
        PRICE_MONITOR_API_KEY: options.monitor.apiKey,
      }),
      ...options.settings,
    });
    try {
      await app.launch();
    } catch (error) {
      await app.remove();
      throw error;
    }
    return app;
  }

  /** Starts the process; after `stop` with the same port and data. */
  async launch(): Promise<void> {
    const child = spawn(binary, { cwd: this.directory, env: environment(this.settings) });
    let failure: Error | undefined;
    this.#process = child;
    this.#exit = new Promise((done) => {
      child.once('exit', (code) => done(code));
      child.once('error', (error) => {
        failure = error;
        done(null);
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    await until(`the server to answer\n${binary}`, async () => {
      if (failure) throw failure;
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}:\n${this.log}`);
      }
      const answer = await fetch(`http://127.0.0.1:${this.port}/health/ready`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.status === 200 ? true : undefined;
    });
  }

  /** All output so far, without colours. */
  get log(): string {
    return stripVTControlCharacters(this.#output);
  }

  url(path: string): string {
    return new URL(`${this.origin}${path}`).href;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Resolves to the exit code once the process has ended. */
  exited(): Promise<number | null> {
    return this.#exit;
  }

  /** Sends a signal, then kills the process. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.signal(signal);
    const patience = setTimeout(() => this.signal('SIGKILL'), 8_000);
    await this.#exit;
    clearTimeout(patience);
  }

  /** Stops the process and removes its data. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Runs another command of the program on the same data. */
  run(args: string[], input = ''): Promise<Finished> {
    return run(args, this.settings, { cwd: this.directory, input });
  }
}

/** Runs the program until it ends. */
export async function run(
  args: string[],
  settings: Settings = {},
  { cwd, input = '' }: { cwd?: string; input?: string } = {},
): Promise<Finished> {
  const directory = cwd ?? (await mkdtemp(join(tmpdir(), 'import-relay-')));
  try {
    return await new Promise<Finished>((done, fail) => {
      const child = spawn(binary, args, {
        cwd: directory,
        env: environment({ DATA_DIR: join(directory, 'data'), ...settings }),
      });
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      // A program may end without reading its input.
      child.stdin.on('error', () => {}).end(input);
      child.once('error', fail);
      child.once('close', (code, signal) => {
        clearTimeout(patience);
        done({
          code,
          signal,
          stdout: stripVTControlCharacters(stdout),
          stderr: stripVTControlCharacters(stderr),
        });
      });
    });
  } finally {
    if (!cwd) await rm(directory, { recursive: true, force: true });
  }
}

/** Excludes the caller's settings. */
function environment(settings: Settings): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LD_LIBRARY_PATH } = process.env;
  return {
    PATH,
    HOME,
    ...(TMPDIR && { TMPDIR }),
    ...(LD_LIBRARY_PATH && { LD_LIBRARY_PATH }),
    LEPTOS_SITE_ROOT: siteRoot,
    NO_COLOR: '1',
    RUST_BACKTRACE: '1',
    ...settings,
  };
}
