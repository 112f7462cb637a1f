addEventListener('keydown', (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const asked = key === 'Escape' && document.querySelector('details.popover[open]');
  if (asked) {
    asked.open = false;
    asked.querySelector('summary').focus();
    return;
  }
  // Whoever writes means the character.
  if (target.closest('input:not([type=checkbox]), textarea, select, dialog, [contenteditable]')) return;
  const focus = (it) => {
    if (!it) return;
    event.preventDefault();
    it.focus();
    it.select?.();
  };
  if (key === '/') focus(document.querySelector('main input[type=search]'));
  if (key === '?') document.getElementById('keys')?.showModal();
  const step = { j: 1, k: -1 }[key];
  if (!step && key !== 'x') return;
  const rows = [...document.querySelectorAll('main tbody tr')].filter((row) => row.querySelector('th a'));
  const at = rows.indexOf(target.closest('tr'));
  if (key === 'x') rows[at]?.querySelector('input[type=checkbox]')?.click();
  else focus((rows[at + step] ?? rows[at] ?? rows[0])?.querySelector('th a'));
});
addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-copy]');
  const source = button && document.getElementById(button.dataset.copy);
  if (!source) return;
  const text = source.value ?? [...source.children].map((entry) => entry.textContent).join('\n');
  // A page that came over plain HTTP from another machine has no clipboard.
  navigator.clipboard?.writeText(text).then(() => {
    const said = button.querySelector('[data-copied]');
    const before = said.textContent;
    if (before === said.dataset.copied) return;
    said.textContent = said.dataset.copied;
    setTimeout(() => (said.textContent = before), 2000);
  });
});
