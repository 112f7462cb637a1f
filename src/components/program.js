addEventListener('DOMContentLoaded', () => {
  const { nonce } = script;
  const [start, wasm, ...others] = JSON.parse(script.dataset.files);
  const announce = (href) => {
    const link = document.createElement('link');
    const isScript = href.endsWith('.js');
    Object.assign(link, { rel: isScript ? 'modulepreload' : 'preload', href, crossOrigin: 'anonymous', nonce });
    if (!isScript) Object.assign(link, { as: 'fetch', type: 'application/wasm' });
    document.head.append(link);
  };
  // What streams in is read on the thread that also paints. What is there as a whole is not.
  WebAssembly.instantiateStreaming = async (response, imports) =>
    WebAssembly.instantiate(await (await response).arrayBuffer(), imports);
  // Each of these steps takes the browser some milliseconds.
  const turn = () => document.hidden || new Promise((resolve) => setTimeout(resolve));
  const run = async () => {
    for (const file of [start, wasm, ...others]) {
      announce(file);
      await turn();
    }
    const program = await import(start);
    await program.default({ module_or_path: wasm });
    await turn();
    program.hydrate();
  };
  // A page that nobody sees is never painted.
  if (document.hidden) run();
  else requestAnimationFrame(() => setTimeout(run));
}, { once: true });
