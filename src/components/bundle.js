{
  const { script, wasm } = document.getElementById('bundle').dataset;
  const load = async () => {
    const module = fetch(wasm);
    // Whether it can be had is seen below, once the script is there.
    module.catch(() => {});
    const bundle = await import(script);
    await bundle.default({ module_or_path: module });
    bundle.hydrate();
    globalThis.hydrateIslands = (root) => {
      for (const island of root.querySelectorAll('leptos-island')) {
        // One that fails takes no other with it.
        try { bundle[island.dataset.component](island); } catch (error) { reportError(error); }
      }
    };
    hydrateIslands(document);
  };
  // A page without an island needs none of it.
  if (document.querySelector('leptos-island')) {
    load().catch((error) => {
      document.documentElement.dataset.static = '';
      globalThis.earlyStream?.source.close();
      reportError(error);
    });
  }
}
