import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket as TcpSocket } from 'node:net';
import type { Duplex } from 'node:stream';

import { Server as SocketIoServer } from 'socket.io';
import { WebSocketServer, type WebSocket } from 'ws';

import { until } from './net.ts';

/** A price monitor's progress of an import. */
export interface Progress {
  processedProducts?: number;
  failedProducts?: number;
  totalProducts?: number;
  error?: string;
  errorCode?: string;
  errorParams?: Record<string, number | string>;
  cancelled?: boolean;
  status?: string;
  failedProductSkus?: string[];
  completedAt?: string;
}

export interface Upload {
  id: string;
  filename: string;
  content: string;
}

export interface MonitorOptions {
  apiKey?: string;
  /** The protocol of the socket. */
  dialect?: 'socket.io' | 'websocket';
  /** The name of the ID in the answer to an upload. */
  idField?: 'id' | '_id' | 'jobId';
}

interface Refusal {
  status: number;
  body: unknown;
}

type Payload = Record<string, unknown>;

/** A socket server of any protocol. */
interface Dialect {
  /** Answers HTTP requests of the socket, such as long-polling. */
  request?(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  emit(jobId: string, payload: Payload): void;
  /** Joined jobs, with their number of sockets. */
  rooms(): Map<string, number>;
  /** Number of open sockets. */
  open(): number;
  /** Closes every socket without stopping. */
  disconnectAll(): void;
  close(): Promise<void>;
}

/** A price monitor with scripted imports: REST and a socket on one port, like such services in production. */
export class Monitor {
  readonly apiKey: string;
  /** Accepted sockets, over all restarts. */
  totalConnections = 0;
  /** Sockets rejected for their key. */
  refusedConnections = 0;
  /** Transports used by clients. */
  readonly transports = new Set<string>();
  readonly uploads: Upload[] = [];
  /** REST requests, as `GET /path`. */
  readonly requests: string[] = [];
  /** Rejects sockets, like a proxy without WebSocket support. */
  socketsBlocked = false;

  #http: HttpServer | undefined;
  #dialect: Dialect | undefined;
  #port = 0;
  readonly #sockets = new Set<TcpSocket>();
  readonly #jobs = new Map<string, Progress>();
  readonly #refusals: Refusal[] = [];
  readonly #extras = new Map<string, Payload>();

  private constructor(private readonly options: MonitorOptions) {
    this.apiKey = options.apiKey ?? 'key-of-the-scripted-price-monitor';
  }

  static async start(options: MonitorOptions = {}): Promise<Monitor> {
    const monitor = new Monitor(options);
    await monitor.start();
    return monitor;
  }

  get url(): string {
    const scheme = this.options.dialect === 'websocket' ? 'ws' : 'http';
    return `${scheme}://127.0.0.1:${this.#port}`;
  }

  get openConnections(): number {
    return this.#dialect?.open() ?? 0;
  }

  /** The joined jobs, sorted. */
  get rooms(): string[] {
    return [...(this.#dialect?.rooms() ?? [])].map(([room]) => room).sort();
  }

  /** Waits until the job is joined. */
  async joined(jobId: string): Promise<void> {
    await until(`job ${jobId} to be joined`, () => this.rooms.includes(jobId) || undefined);
  }

  /** Adds a job, as if it had been uploaded. */
  addJob(jobId: string, state: Progress = {}): void {
    this.#jobs.set(jobId, state);
  }

  /** Updates the job, by REST and on the sockets. */
  progress(jobId: string, change: Progress): void {
    this.#jobs.set(jobId, { ...this.#jobs.get(jobId), ...change });
    this.#dialect?.emit(jobId, { ...change });
  }

  /** Updates the job by REST only, like an event that nobody received. */
  progressUnheard(jobId: string, change: Progress): void {
    this.#jobs.set(jobId, { ...this.#jobs.get(jobId), ...change });
  }

  /** Sends any event of the job on the sockets only. */
  emitRaw(jobId: string, payload: Payload): void {
    this.#dialect?.emit(jobId, payload);
  }

  /** Sets optional details: position in the queue, actions. */
  tellMore(jobId: string, extras: Payload): void {
    this.#extras.set(jobId, extras);
  }

  /** Rejects the next upload. */
  refuseNext(message: string, status = 422, field: 'message' | 'error' = 'message'): void {
    this.#refusals.push({ status, body: { [field]: message } });
  }

  /** Closes every socket without stopping. */
  disconnectAll(): void {
    this.#dialect?.disconnectAll();
  }

  /** Stops like a killed process: every connection breaks at once. */
  async stop(): Promise<void> {
    const http = this.#http;
    if (!http) return;
    this.#http = undefined;
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await this.#dialect?.close();
    this.#dialect = undefined;
    await closed;
  }

  /** Starts on the same port. Rooms are lost, imports are not. */
  async start(): Promise<void> {
    const http = createServer((request, response) => {
      if (dialect.request && request.url?.startsWith('/socket.io/')) {
        dialect.request(request, response);
        return;
      }
      this.#answer(request, response).catch((error: unknown) => {
        send(response, 500, { message: String(error) });
      });
    });
    const dialect: Dialect =
      this.options.dialect === 'websocket' ? new PlainDialect(this) : new SocketIoDialect(this);
    http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    http.on('upgrade', (request, socket, head) => {
      if (this.socketsBlocked) {
        socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      } else {
        dialect.upgrade(request, socket, head);
      }
    });
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (http.address() as AddressInfo).port;
    this.#http = http;
    this.#dialect = dialect;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://monitor');
    this.requests.push(`${request.method} ${pathname}`);
    if (pathname === '/health') return send(response, 200, { status: 'ok' });
    if (request.headers['x-api-key'] !== this.apiKey) {
      request.resume();
      return send(response, 401, { message: 'Invalid API key' });
    }
    if (request.method === 'POST' && pathname === '/api/products/imports') {
      return this.#upload(request, response);
    }
    const asked = /^\/api\/products\/imports\/([^/]+)$/.exec(pathname)?.[1];
    const extras = asked === undefined ? undefined : this.#extras.get(decodeURIComponent(asked));
    if (request.method === 'GET' && extras) return send(response, 200, extras);
    const job = /^\/api\/products\/imports\/([^/]+)\/progress$/.exec(pathname)?.[1];
    const state = job === undefined ? undefined : this.#jobs.get(decodeURIComponent(job));
    if (request.method !== 'GET' || !state) return send(response, 404, { message: 'Not found' });
    const { processedProducts = 0, failedProducts = 0, totalProducts = 0 } = state;
    const isCompleted =
      state.completedAt !== undefined ||
      (totalProducts > 0 && processedProducts + failedProducts >= totalProducts);
    send(response, 200, {
      processedProducts,
      failedProducts,
      totalProducts,
      isCompleted,
      completedAt: state.completedAt ?? (isCompleted ? new Date().toISOString() : null),
    });
  }

  async #upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = await new Response(Buffer.concat(chunks), {
      headers: { 'content-type': request.headers['content-type'] ?? '' },
    }).formData();
    const file = form.get('file');
    if (!(file instanceof Blob)) return send(response, 400, { message: 'The field file is missing' });
    const refusal = this.#refusals.shift();
    if (refusal) return send(response, refusal.status, refusal.body);
    const id = `job-${String(this.uploads.length + 1)}-${Date.now().toString(36)}`;
    this.uploads.push({ id, filename: (file as File).name, content: await file.text() });
    this.#jobs.set(id, {});
    send(response, 201, { [this.options.idField ?? 'id']: id, status: 'PENDING' });
  }
}

/** Socket.IO 5, by the reference server. */
class SocketIoDialect implements Dialect {
  readonly #io = new SocketIoServer({ serveClient: false });

  constructor(monitor: Monitor) {
    // Requests are passed to the engine by hand, to keep port and REST routes.
    this.#io.attach(createServer());
    this.#io.use((socket, next) => {
      const { apiKey } = socket.handshake.auth as { apiKey?: unknown };
      if (apiKey === monitor.apiKey) return next();
      monitor.refusedConnections += 1;
      next(new Error('Invalid API key'));
    });
    this.#io.on('connection', (socket) => {
      monitor.totalConnections += 1;
      monitor.transports.add(socket.conn.transport.name);
      socket.on('join-import-job', (jobId: unknown) => {
        if (typeof jobId === 'string') void socket.join(jobId);
      });
    });
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    this.#io.engine.handleRequest(request, response);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#io.engine.handleUpgrade(request, socket, head);
  }

  emit(jobId: string, payload: Payload): void {
    this.#io.to(jobId).emit(`import-job-${jobId}`, payload);
  }

  rooms(): Map<string, number> {
    const { rooms, sids } = this.#io.of('/').adapter;
    // Every socket is also in a room with its own name.
    return new Map(
      [...rooms].filter(([room]) => !sids.has(room)).map(([room, members]) => [room, members.size]),
    );
  }

  open(): number {
    return this.#io.of('/').sockets.size;
  }

  disconnectAll(): void {
    this.#io.disconnectSockets(false);
  }

  async close(): Promise<void> {
    await this.#io.close();
  }
}

/** Plain WebSocket: JSON text frames, the key in a header. */
class PlainDialect implements Dialect {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #joined = new Map<WebSocket, Set<string>>();

  constructor(private readonly monitor: Monitor) {
    this.#server.on('connection', (socket) => {
      const jobs = new Set<string>();
      monitor.totalConnections += 1;
      monitor.transports.add('websocket');
      this.#joined.set(socket, jobs);
      socket.on('close', () => this.#joined.delete(socket));
      socket.on('error', () => socket.terminate());
      socket.on('message', (data) => {
        const { event, data: jobId } = JSON.parse(String(data)) as Record<string, unknown>;
        if (event === 'join-import-job' && typeof jobId === 'string') jobs.add(jobId);
      });
    });
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (request.headers['x-api-key'] !== this.monitor.apiKey) {
      this.monitor.refusedConnections += 1;
      socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (open) => {
      this.#server.emit('connection', open, request);
    });
  }

  emit(jobId: string, payload: Payload): void {
    const frame = JSON.stringify({ event: `import-job-${jobId}`, data: payload });
    for (const [socket, jobs] of this.#joined) if (jobs.has(jobId)) socket.send(frame);
  }

  rooms(): Map<string, number> {
    const rooms = new Map<string, number>();
    for (const jobs of this.#joined.values()) {
      for (const job of jobs) rooms.set(job, (rooms.get(job) ?? 0) + 1);
    }
    return rooms;
  }

  open(): number {
    return this.#joined.size;
  }

  disconnectAll(): void {
    for (const socket of this.#joined.keys()) socket.close(1001);
  }

  async close(): Promise<void> {
    for (const socket of this.#joined.keys()) socket.terminate();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
