// Follows an import of Import Relay in any front end, without a framework. Copy this file.

export interface Progress {
  processedProducts: number;
  failedProducts: number;
  totalProducts: number | null;
  status: 'PENDING' | 'SUCCESS' | 'PARTIAL_SUCCESS' | 'ERROR';
  error?: string | null;
}

export type Connection = 'connecting' | 'live' | 'polling' | 'reconnecting' | 'over' | 'signed out' | 'not found';

/**
 * Follows an import until it ends, and returns a function that stops following.
 *
 * @param relay the origin of the relay, or '' where your own server forwards its paths
 */
export function followImport(
  relay: string,
  id: string,
  onProgress: (progress: Progress) => void,
  onConnection: (connection: Connection) => void,
): () => void {
  const url = `${relay}/api/jobs/${encodeURIComponent(id)}/progress`;
  let source: EventSource | undefined;
  let lastMessageAt = Date.now();
  let hasMessage = false; // from the stream that is open now
  let polledAt = 0;
  let failures = 0;
  let reopenAt = 0; // set while the browser has given up the stream

  function open(): void {
    source?.close();
    [lastMessageAt, hasMessage, reopenAt] = [Date.now(), false, 0];
    source = new EventSource(url, { withCredentials: true });
    source.onopen = () => (lastMessageAt = Date.now());
    source.onmessage = ({ data }) => {
      receive();
      update(JSON.parse(data) as Progress);
    };
    source.addEventListener('heartbeat', receive);
    source.onerror = () => {
      onConnection('reconnecting');
      // After any status but 200 a browser does not reconnect, and does not tell the status.
      if (source?.readyState === EventSource.CLOSED) void poll();
    };
  }

  function receive(): void {
    [lastMessageAt, hasMessage, failures] = [Date.now(), true, 0];
    onConnection('live');
  }

  function update(progress: Progress): void {
    onProgress(progress);
    if (progress.status !== 'PENDING') end('over');
  }

  /** Gets the state by REST: the status code tells why a stream was refused. */
  async function poll(): Promise<void> {
    polledAt = Date.now();
    const isClosed = source?.readyState === EventSource.CLOSED;
    if (isClosed) reopenAt = polledAt + Math.min(1_000 * 2 ** failures++, 30_000) * (0.5 + Math.random() / 2);
    const response = await fetch(`${relay}/api/imports/${encodeURIComponent(id)}`, {
      credentials: 'include',
      headers: { accept: 'application/json' },
    }).catch(() => undefined);
    if (response?.status === 401) end('signed out');
    else if (response?.status === 404) end('not found');
    else if (response?.ok && source) {
      if (!isClosed && !hasMessage) onConnection('polling');
      update((await response.json()) as Progress);
    }
  }

  // The server sends a state at once and a heartbeat every 15 s at most. Longer silence means that the connection is
  // dead; no message within 3 s means that a proxy buffers the stream.
  const timer = setInterval(() => {
    const now = Date.now();
    const silence = now - lastMessageAt;
    if (reopenAt) {
      if (now >= reopenAt) open();
    } else if (silence >= 37_500) {
      open();
    } else if (!hasMessage && silence >= 3_000 && now - polledAt >= 3_000) {
      void poll();
    }
  }, 1_000);

  function end(connection?: Connection): void {
    clearInterval(timer);
    source?.close();
    source = undefined;
    if (connection) onConnection(connection);
  }

  onConnection('connecting');
  open();
  return () => end();
}
