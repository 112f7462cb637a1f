{
  const { months, afterDay } = document.currentScript.dataset;
  const names = months.split(' ');
  const two = (number) => String(number).padStart(2, '0');
  const written = (at) =>
    `${at.getDate()}${afterDay} ${names[at.getMonth()]} ${at.getFullYear()}, ${two(at.getHours())}:${two(at.getMinutes())}`;
  const show = (element) => {
    const local = written(new Date(element.dataset.at));
    const replaced = (text) => text.replace(element.dataset.utc, local);
    element.textContent = replaced(element.textContent);
    if (element.title) element.title = replaced(element.title);
    element.removeAttribute('data-at');
  };
  const showIn = (root) => root.querySelectorAll('[data-at]').forEach(show);
  showIn(document);
  // Parts of the page that are fetched again.
  new MutationObserver((changes) => {
    for (const { addedNodes, target } of changes) if (addedNodes.length) showIn(target);
  }).observe(document.body, { childList: true, subtree: true });
}
