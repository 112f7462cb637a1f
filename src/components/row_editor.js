{
  const table = document.querySelector('.editor-table');
  const place = (cell) => [cell.closest('tr').rowIndex, cell.closest('td').cellIndex];
  const at = (row, column) => table.rows[row]?.cells[column]?.querySelector('input, textarea');
  const isCell = (target) => target.matches('.editor-table td .input');
  const cells = () => table?.querySelectorAll('td .input') ?? [];
  // A refused form comes back with what was typed, and with what the file says.
  const isChanged = (cell) => cell.value !== (cell.dataset.was ?? cell.defaultValue);
  const mark = (cell) => {
    const [place, changed] = [cell.closest('td'), isChanged(cell)];
    place.toggleAttribute('data-changed', changed);
    if (place.hasAttribute('data-wrong')) cell.setAttribute('aria-invalid', String(!changed));
  };
  // The browser may have filled cells in.
  addEventListener('pageshow', () => cells().forEach(mark));
  table?.addEventListener('input', (event) => mark(event.target));
  table?.closest('form').addEventListener('formdata', ({ formData }) => {
    for (const cell of cells()) if (!isChanged(cell)) formData.delete(cell.name);
  });
  table?.addEventListener('keydown', (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey || !isCell(event.target)) return;
    // In a text of many lines the keys are the text's.
    if (event.target.matches('textarea')) return;
    const [row, column] = place(event.target);
    const next = at(row + (event.shiftKey && event.key === 'Enter' ? -1 : step), column);
    // Enter in a cell never sends the form.
    event.preventDefault();
    next?.focus();
    next?.select();
  });
  table?.addEventListener('paste', (event) => {
    const text = event.clipboardData?.getData('text/plain') ?? '';
    const lines = text.replace(/\r?\n$/, '').split(/\r?\n/).map((line) => line.split('\t'));
    if (!isCell(event.target) || (lines.length === 1 && lines[0].length === 1)) return;
    event.preventDefault();
    const [row, column] = place(event.target);
    lines.forEach((cells, down) =>
      cells.forEach((value, right) => {
        const cell = at(row + down, column + right);
        if (!cell) return;
        cell.value = value;
        mark(cell);
      }),
    );
  });
}
