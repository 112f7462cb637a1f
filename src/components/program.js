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
  const run = async () => {
    [start, wasm, ...others].forEach(announce);
    const program = await import(start);
    await program.default({ module_or_path: wasm });
    program.hydrate();
  };
  // A page that nobody sees is never painted.
  if (document.hidden) run();
  else requestAnimationFrame(() => setTimeout(run));
}, { once: true });
