{
  const { script, wasm } = document.getElementById('bundle').dataset;
  const load = async () => {
    const module = fetch(wasm);
    // Whether it can be had is seen below, once the script is there.
    module.catch(() => {});
    const bundle = await import(script);
    await bundle.default({ module_or_path: module });
    bundle.hydrate();
    globalThis.hydrateIslands = async (root) => {
      let since = performance.now();
      for (const island of root.querySelectorAll('leptos-island')) {
        // On a slow device, input and painting go first.
        if (performance.now() - since > 10) {
          await (globalThis.scheduler?.yield?.() ?? new Promise((done) => setTimeout(done)));
          since = performance.now();
        }
        if (!island.isConnected) continue;
        // Makes the context of the island around it its own.
        island.parentElement.closest('leptos-children')?.$$on_hydrate?.();
        // One that fails takes no other with it.
        try { bundle[island.dataset.component](island); } catch (error) { reportError(error); }
      }
    };
    await hydrateIslands(document);
    document.documentElement.dataset.hydrated = '';
  };
  // A page without an island needs none of it.
  if (document.querySelector('leptos-island')) {
    // The server's page is painted first. A hidden one is not.
    const painted = document.hidden || new Promise((done) => {
      requestAnimationFrame(() => setTimeout(done));
      // A window that is covered paints nothing.
      setTimeout(done, 250);
    });
    Promise.resolve(painted).then(load).catch((error) => {
      document.documentElement.dataset.static = '';
      globalThis.earlyStream?.source.close();
      reportError(error);
    });
  }
}
