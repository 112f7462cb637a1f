{
  const known = window.PublicKeyCredential;
  // Older browsers cannot read what the server asks, nor write what it reads.
  const can = Boolean(known?.parseRequestOptionsFromJSON && known.prototype.toJSON);
  const ask = async ({ begin, passkey }) => {
    const response = await fetch(begin, { method: 'POST', headers: { accept: 'application/json' } });
    // The form's own reply says what is wrong, or leads to what is to be done first.
    if (!response.ok) return '';
    const { publicKey } = JSON.parse(await response.json());
    const credential = passkey === 'create'
      ? await navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(publicKey) })
      : await navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(publicKey) });
    return JSON.stringify(credential);
  };
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const cancelled = form.querySelector('[data-passkey-cancelled]');
    const button = form.querySelector('button');
    form.hidden = !can;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      cancelled.hidden = button.disabled = true;
      try {
        form.elements.credential.value = await ask(form.dataset);
        form.submit();
      } catch {
        cancelled.hidden = false;
      }
      button.disabled = false;
    });
  }
  for (const note of document.querySelectorAll('[data-passkey-missing]')) note.hidden = can;
}
