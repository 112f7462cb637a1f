// An EventSource that goes as the test says, in place of the browser's.

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
  /** Every listener that there ever was, for who would call it too late. */
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

/** The stream broke, and the browser is getting it back. */
export function interrupt(index) {
  opened[index].readyState = CONNECTING;
  opened[index].dispatch('error');
}

/** The stream was refused, and the browser has given it up. */
export function refuse(index) {
  opened[index].readyState = CLOSED;
  opened[index].dispatch('error');
}

/** How many of the listeners that there were can still be called. */
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

/** What the server answers to the question what is the matter. */
export function answer_states(status, body) {
  globalThis.fetch = async () =>
    new Response(body, { status, headers: { 'content-type': 'application/json' } });
}

/** Has the page of a job run the script that it runs before the program is there. */
export function run_early(job, script) {
  history.replaceState(null, '', `/imports/${job}`);
  document.documentElement.lang = 'en';
  const card = document.createElement('div');
  card.className = 'progress-card';
  card.dataset.status = 'PENDING';
  card.innerHTML = `<p class="progress-percent" data-counting>Waiting</p>
    <div class="bar" data-indeterminate><svg><rect /><rect /></svg></div>
    <dl>${['processed', 'failed', 'total', 'time'].map((kind) => `<div class="count" data-kind="${kind}"><dd>0</dd></div>`).join('')}</dl>`;
  document.querySelector('.progress-card')?.remove();
  document.body.append(card);
  const element = document.createElement('script');
  element.textContent = script;
  document.head.append(element);
  element.remove();
}

/** What the page shows: percent, imported, failed, in the file, and the bar's two shares. */
export function shown_early() {
  const all = document.querySelectorAll('.progress-card :is(.progress-percent, .count:not([data-kind=time]) dd)');
  const bar = [...document.querySelectorAll('.progress-card rect')].map((rect) => rect.getAttribute('width'));
  return [...all].map(({ textContent }) => textContent).concat(bar).join(' ');
}

export async function lock_is_free(name) {
  return navigator.locks.request(name, { ifAvailable: true }, (lock) => lock !== null);
}

/** Takes a lock as another tab would, and gives what lets it go. */
export async function hold_lock(name) {
  return new Promise((tell) => {
    navigator.locks.request(name, () => new Promise((release) => tell(() => release())));
  });
}

export function has_early() {
  return globalThis.earlyProgress !== undefined;
}
