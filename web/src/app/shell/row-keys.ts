/** Moves the focus to the link of the next or previous table row of the page. Returns whether there was one. */
export function moveRow(page: HTMLElement, step: 1 | -1): boolean {
  const links = [...page.querySelectorAll<HTMLElement>('table tbody tr td:first-child a')];
  if (links.length === 0) {
    return false;
  }
  const at = links.findIndex((link) => link === document.activeElement);
  const next = at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step));
  links[next]?.focus();
  return true;
}
