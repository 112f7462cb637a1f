import type { Page } from '@playwright/test';

interface Shift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: { node: Node | null }[];
}

/** Notes what moves on the pages from now on, in each document from its first paint. */
export async function watchShifts(page: Page): Promise<void> {
  const note = () => {
    const shifts: { value: number; what: string }[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as Shift[]) {
        // What somebody has asked for is expected to move.
        if (entry.hadRecentInput) continue;
        const what = entry.sources.map(({ node }) => (node as Element | null)?.className ?? '?').join(' ');
        shifts.push({ value: entry.value, what });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  };
  await page.addInitScript(note);
}

/** Returns how far the document that is shown has moved so far: its cumulative layout shift, and what moved. */
export async function shifted(page: Page): Promise<{ sum: number; all: string }> {
  const shifts = await page.evaluate(
    () => (window as unknown as { shifts: { value: number; what: string }[] }).shifts,
  );
  return {
    sum: shifts.reduce((sum, { value }) => sum + value, 0),
    all: shifts.map(({ value, what }) => `${String(value)} ${what}`).join(', '),
  };
}
