{
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const kept = (change) => {
    // A browser that keeps nothing still turns the theme for this page.
    try { return change(localStorage); } catch {}
  };
  const turn = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const own of ['light', 'dark']) {
      const meta = document.querySelector(`meta[name=theme-color][media*=${own}]`);
      meta.content = (theme ?? own) === 'dark' ? script.dark : script.light;
    }
  };
  const theme = kept((storage) => storage.getItem('theme'));
  if (theme === 'light' || theme === 'dark') turn(theme);
  addEventListener('click', ({ target }) => {
    if (!target.closest?.('.theme-switch')) return;
    const preferred = system.matches ? 'dark' : 'light';
    const next = (root.dataset.theme ?? preferred) === 'dark' ? 'light' : 'dark';
    // Coming back to what the system prefers forgets the choice, so that the page follows the system again.
    turn(next === preferred ? undefined : next);
    kept((storage) => (next === preferred ? storage.removeItem('theme') : storage.setItem('theme', next)));
  });
}
