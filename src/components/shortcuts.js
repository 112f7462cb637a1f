addEventListener('keydown', (event) => {
  const { key, target } = event;
  if (key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  // Whoever writes means the character.
  if (target.closest('input, textarea, select, [contenteditable]')) return;
  const search = document.querySelector('main input[type=search]');
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});
