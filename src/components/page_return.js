addEventListener('pageshow', async ({ persisted }) => {
  if (persisted && !(await fetch(currentUser)).ok) location.reload();
});
