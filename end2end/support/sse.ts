import { EventSource } from 'eventsource';

import { until } from './net.ts';
import type { Session } from './session.ts';

/** One block of a stream, with its fields as sent. */
export interface Block {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
}

export interface State {
  processedProducts?: number;
  failedProducts?: number;
  totalProducts?: number;
  status?: string;
  error?: string;
}

export function progressPath(jobId: string): string {
  return `/api/jobs/${encodeURIComponent(jobId)}/progress`;
}

/** A progress stream read byte by byte, for checking the wire format. */
export class RawStream {
  readonly blocks: Block[] = [];
  /** The server ended the stream gracefully. */
  ended = false;
  text = '';
  readonly #abort: AbortController;

  private constructor(
    readonly response: Response,
    abort: AbortController,
  ) {
    this.#abort = abort;
    void this.#read();
  }

  static async open(
    session: Session,
    jobId: string,
    headers: Record<string, string> = {},
  ): Promise<RawStream> {
    const abort = new AbortController();
    const response = await session.fetch(progressPath(jobId), {
      headers: { accept: 'text/event-stream', ...headers },
      signal: abort.signal,
    });
    return new RawStream(response, abort);
  }

  /** The blocks that an `onmessage` handler receives, parsed. */
  get states(): State[] {
    return this.blocks
      .filter(({ data, event }) => data && (event ?? 'message') === 'message')
      .map(({ data }) => JSON.parse(data ?? '') as State);
  }

  /** Waits for the first block that satisfies `wanted`. */
  block(what: string, wanted: (block: Block) => boolean, deadline?: number): Promise<Block> {
    return until(what, () => this.blocks.find(wanted), deadline);
  }

  /** Waits until the newest state satisfies `wanted`. */
  state(what: string, wanted: (state: State) => boolean = () => true): Promise<State> {
    return until(what, () => {
      const newest = this.states.at(-1);
      return newest && wanted(newest) ? newest : undefined;
    });
  }

  /** Waits for the server to end the stream. */
  end(deadline?: number): Promise<true> {
    return until('the stream to end', () => this.ended || undefined, deadline);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of this.response.body ?? []) {
        const text = decoder.decode(chunk as Uint8Array, { stream: true });
        this.text += text;
        const parts = (rest + text).split(/\r\n\r\n|\n\n|\r\r/);
        rest = parts.pop() ?? '';
        this.blocks.push(...parts.map(parse));
      }
      this.ended = true;
    } catch {
      // Closed by us, or broken: `ended` stays false.
    }
  }
}

function parse(text: string): Block {
  const block: Block = {};
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'data') {
      block.data = block.data === undefined ? (value ?? '') : `${block.data}\n${value ?? ''}`;
    } else if (field === 'id' || field === 'event' || field === 'retry') {
      block[field] = value ?? '';
    }
  }
  return block;
}

/** A third-party EventSource, with what it received. */
export class Client {
  readonly messages: State[] = [];
  readonly heartbeats: string[] = [];
  /** The status of every answer. */
  readonly answers: number[] = [];
  opened = 0;
  readonly source: EventSource;

  constructor(session: Session, jobId: string) {
    this.source = new EventSource(session.app.url(progressPath(jobId)), {
      fetch: async (url, init) => {
        const answer = await fetch(url, {
          ...init,
          headers: { ...init.headers, cookie: session.cookie },
        });
        this.answers.push(answer.status);
        return answer;
      },
    });
    this.source.onopen = () => (this.opened += 1);
    this.source.onmessage = ({ data }: MessageEvent<string>) => {
      this.messages.push(JSON.parse(data) as State);
    };
    this.source.addEventListener('heartbeat', ({ data }: MessageEvent<string>) => {
      this.heartbeats.push(data);
    });
  }

  get last(): State | undefined {
    return this.messages.at(-1);
  }

  close(): void {
    this.source.close();
  }
}
