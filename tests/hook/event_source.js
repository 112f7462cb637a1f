// A scripted EventSource in place of the browser's.

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

const opened = [];

class Scripted {
  static CLOSED = CLOSED;
  onopen = null;
  onmessage = null;
  onerror = null;
  readyState = CONNECTING;
  /** All listeners ever added, to call them too late. */
  all = [];
  #named = new Map();

  constructor(url, init) {
    this.url = url;
    this.withCredentials = Boolean(init?.withCredentials);
    opened.push(this);
  }

  addEventListener(name, listener, { signal } = {}) {
    this.#named.set(name, listener);
    signal?.addEventListener('abort', () => this.#named.get(name) === listener && this.#named.delete(name));
  }

  close() {
    this.readyState = CLOSED;
  }

  dispatch(name, data) {
    const listener = this[`on${name}`] ?? this.#named.get(name);
    if (this.readyState === CLOSED && name !== 'error') return;
    listener?.call(this, new MessageEvent(name, { data }));
  }

  keep() {
    this.all = [this.onopen, this.onmessage, this.onerror, ...this.#named.values()];
  }
}

export function install() {
  opened.length = 0;
  globalThis.EventSource = Scripted;
}

export function opened_so_far() {
  return opened.length;
}

export function still_open() {
  return opened.filter(({ readyState }) => readyState !== CLOSED).length;
}

export function url_of(index) {
  return opened[index].url;
}

export function has_credentials(index) {
  return opened[index].withCredentials;
}

export function open(index) {
  opened[index].readyState = OPEN;
  opened[index].dispatch('open');
  opened[index].keep();
}

export function tell(index, name, data) {
  opened[index].dispatch(name, data);
}

/** The stream broke, and the browser reconnects. */
export function interrupt(index) {
  opened[index].readyState = CONNECTING;
  opened[index].dispatch('error');
}

/** The stream was refused, and the browser gave up. */
export function refuse(index) {
  opened[index].readyState = CLOSED;
  opened[index].dispatch('error');
}

/** The number of listeners that can still be called. */
export function living_listeners(index) {
  return opened[index].all.filter((listener) => {
    try {
      listener?.(new MessageEvent('message', { data: '{}' }));
      return listener !== null;
    } catch {
      return false;
    }
  }).length;
}

/** Sets the server's answer to the diagnosis request. */
export function answer_states(status, body) {
  globalThis.fetch = async () =>
    new Response(body, { status, headers: { 'content-type': 'application/json' } });
}

/** Runs the script of an import's page that runs before the bundle is loaded. */
export function run_early(job, script) {
  const element = document.createElement('script');
  element.textContent = `{const url='/api/jobs/${job}/progress',lock='import-relay-progress';${script}}`;
  document.head.append(element);
  element.remove();
}

export async function lock_is_free(name) {
  return navigator.locks.request(name, { ifAvailable: true }, (lock) => lock !== null);
}

export function has_early() {
  return Boolean(globalThis.earlyStream);
}
