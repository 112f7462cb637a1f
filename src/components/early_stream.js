const source = new EventSource(url);
const early = (globalThis.earlyStream = { url, source });
source.onmessage = ({ data }) => (early.message = data);
source.addEventListener('upstream', ({ data }) => (early.upstream = data));
addEventListener('pagehide', () => source.close());
navigator.locks?.request(lock, { ifAvailable: true }, (isOurs) => {
  if (isOurs && !early.isTaken) return new Promise((release) => (early.release = release));
});
