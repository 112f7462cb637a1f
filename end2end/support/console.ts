import type { BrowserContext } from '@playwright/test';

/** Expected messages while the server is stopped. */
export const lostConnection =
  /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED)/;

/** Collects console errors of a context's pages. */
export class ConsoleWatch {
  /** All messages, for the report of a failed test. */
  readonly messages: string[] = [];
  readonly #complaints: string[] = [];
  readonly #allowed: RegExp[] = [];

  watch(context: BrowserContext): void {
    context.on('console', (message) => {
      const line = `${message.type()}: ${message.text()} (${message.location().url})`;
      this.messages.push(line);
      const bad = message.type() === 'error' || /hydrat|panick|unreachable/i.test(message.text());
      if (bad) this.#complaints.push(line);
    });
    context.on('weberror', (webError) => {
      const error = webError.error();
      const line = `uncaught: ${error.stack ?? error.message}`;
      this.messages.push(line);
      this.#complaints.push(line);
    });
  }

  /** Expects messages of this kind in this test. */
  allow(pattern: RegExp): void {
    this.#allowed.push(pattern);
  }

  /** Expects the browser's message about an error status. */
  allowStatus(...statuses: number[]): void {
    for (const status of statuses) {
      this.allow(new RegExp(`Failed to load resource: .* status of ${String(status)}`));
    }
  }

  get complaints(): string[] {
    return this.#complaints.filter((line) => !this.#allowed.some((allowed) => allowed.test(line)));
  }
}
