(() => {
  const [, base, job] = /^(.*)\/imports\/([^/]+)$/.exec(location.pathname) ?? [];
  if (!job || !navigator.locks) return;
  // What gives the lock back, or nothing where another tab has it.
  const lock = new Promise((tell) => {
    navigator.locks.request(`import-relay-progress${base}`, { ifAvailable: true }, (lock) =>
      lock ? new Promise(tell) : tell(),
    );
  });
  let isRefused = false;
  lock.then((release) => (isRefused = !release));
  // Of its own: the browser takes as long to make its first number readable as for all else here.
  const isGerman = document.documentElement.lang === 'de';
  let card;
  const reading = new MutationObserver(look);
  reading.observe(document, { childList: true, subtree: true });
  addEventListener('DOMContentLoaded', look);
  look();

  function look() {
    // The last of what is written to.
    const last = document.querySelector('.progress-card .count[data-kind=time]');
    if (!last && document.readyState === 'loading') return;
    reading.disconnect();
    removeEventListener('DOMContentLoaded', look);
    card = last?.closest('.progress-card[data-status=PENDING]');
    if (card && !isRefused) follow();
    else giveBack();
  }

  function giveBack() {
    lock.then((release) => release?.());
  }

  // In a browser that was just started the lock takes as long as the whole page: nobody waits for it.
  function follow() {
    const url = `${base}/api/jobs/${job}/progress`;
    const source = new EventSource(url);
    const over = new AbortController();
    const early = { url, source, over, close };
    lock.then((release) => (release ? (early.release = release) : close()));
    function close() {
      over.abort();
      source.close();
      giveBack();
      if (globalThis.earlyProgress === early) delete globalThis.earlyProgress;
    }
    function on(target, name, listener) {
      target.addEventListener(name, listener, { signal: over.signal });
    }
    on(source, 'message', ({ data }) => {
      const state = JSON.parse(data);
      // How it ended is the program's to show.
      if (state.status !== 'PENDING') return close();
      early.message = data;
      show(state);
    });
    on(source, 'upstream', ({ data }) => (early.upstream = data));
    on(source, 'error', () => source.readyState === EventSource.CLOSED && close());
    on(globalThis, 'pagehide', close);
    globalThis.earlyProgress = early;
  }

  function show({ processedProducts: processed, failedProducts: failed, totalProducts: total }) {
    count('processed', processed);
    count('failed', failed);
    if (!total) return;
    count('total', total);
    const whole = Math.max(total, processed + failed);
    const percent = Math.min(Math.floor(((processed + failed) * 100) / whole), 99);
    const headline = card.querySelector('.progress-percent');
    // A bar never goes back.
    if (percent < (parseInt(headline.textContent) || 0)) return;
    write(headline, isGerman ? `${percent}\u00a0%` : `${percent}%`);
    headline.removeAttribute('data-counting');
    const bar = card.querySelector('.bar');
    bar.removeAttribute('data-indeterminate');
    bar.setAttribute('aria-valuenow', percent);
    const [done, lost] = bar.querySelectorAll('rect');
    // A failure that is there is seen.
    const lostShare = failed && Math.max((failed / whole) * 100, 0.8);
    const doneShare = Math.min((processed / whole) * 100, 99 - lostShare);
    done.setAttribute('width', `${doneShare.toFixed(2)}%`);
    lost.setAttribute('x', `${doneShare.toFixed(2)}%`);
    lost.setAttribute('width', `${lostShare.toFixed(2)}%`);
  }

  function count(kind, value) {
    const text = String(value).replace(/\B(?=(\d{3})+$)/g, isGerman ? '.' : ',');
    write(card.querySelector(`.count[data-kind=${kind}] dd`), text);
  }

  // The program finds its text nodes again where they were.
  function write(element, text) {
    if (element.firstChild?.nodeType === Node.TEXT_NODE) element.firstChild.data = text;
  }
})();
