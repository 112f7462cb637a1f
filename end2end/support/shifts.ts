import type { Page } from '@playwright/test';

interface Shift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: { node: Node | null; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
}

/** Records layout shifts of the pages, in each document from its first paint. */
export async function watchShifts(page: Page): Promise<void> {
  const note = () => {
    const shifts: { value: number; what: string }[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as Shift[]) {
        // Shifts after user input are expected.
        if (entry.hadRecentInput) continue;
        const moves = entry.sources.map(({ node, previousRect, currentRect }) => {
          const name = (node as Element | null)?.className ?? '?';
          return `${name} from ${String(previousRect.y)} to ${String(currentRect.y)}`;
        });
        const what = moves.join(', ');
        shifts.push({ value: entry.value, what });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  };
  await page.addInitScript(note);
}

/** Returns the cumulative layout shift of the current document, and what moved. */
export async function shifted(page: Page): Promise<{ sum: number; all: string }> {
  const shifts = await page.evaluate(
    () => (window as unknown as { shifts: { value: number; what: string }[] }).shifts,
  );
  return {
    sum: shifts.reduce((sum, { value }) => sum + value, 0),
    all: shifts.map(({ value, what }) => `${String(value)}: ${what}`).join('\n'),
  };
}
