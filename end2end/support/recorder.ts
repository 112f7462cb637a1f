import type { Page } from '@playwright/test';

/** All values of an element, in order; `null` while it was absent. */
export type Seen = (string | null)[];

/** When the document of each value began. */
const began = new WeakMap<Seen, number[]>();

/**
 * Records every value that elements show, so that a test can check what was *never* shown. Install it before the page
 * is opened; it survives reloads.
 *
 * `watched` names elements: `{ bar: ['progress-bar', 'aria-valuenow'] }` is an attribute, `{ error: ['job-error'] }`
 * the text.
 */
export async function record<Name extends string>(
  page: Page,
  watched: Record<Name, [testId: string, attribute?: string]>,
): Promise<Record<Name, Seen>> {
  const names = Object.keys(watched) as Name[];
  const seen = Object.fromEntries(names.map((name) => [name, [] as Seen])) as Record<Name, Seen>;
  await page.exposeFunction('__seen', (name: Name, value: string | null, origin: number) => {
    const values = seen[name];
    values.push(value);
    began.set(values, [...(began.get(values) ?? []), origin]);
  });
  await page.addInitScript((watched) => {
    const last = new Map<string, string | null>();
    const report = (globalThis as unknown as Record<string, (...args: unknown[]) => void>).__seen;
    const look = () => {
      for (const [name, [testId, attribute]] of Object.entries(watched)) {
        const element = document.querySelector(`[data-testid="${testId}"]`);
        const value = element && (attribute ? element.getAttribute(attribute) : element.textContent);
        if (value === last.get(name)) continue;
        last.set(name, value);
        report?.(name, value, performance.timeOrigin);
      }
    };
    new MutationObserver(look).observe(document, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
  }, watched as Record<string, [string, string?]>);
  return seen;
}

/** The values by document: a page being left may still change while the next one loads. */
export function ofEachDocument(values: Seen): Seen[] {
  const origins = began.get(values) ?? [];
  const documents = new Map<number | undefined, Seen>();
  for (const [index, value] of values.entries()) {
    const origin = origins[index];
    documents.set(origin, [...(documents.get(origin) ?? []), value]);
  }
  return [...documents.values()];
}

/** The numbers among the values, in order, one per change. */
export function numbers(values: Seen): number[] {
  const read = values.filter((value) => value !== null && value.trim() !== '').map(toNumber);
  return read.filter((value, index) => !Number.isNaN(value) && value !== read[index - 1]);
}

/** Parses a localized number: `150,000`. */
export function toNumber(text: string | null): number {
  return Number((text ?? 'none').replace(/[\s,\u00a0\u202f]/g, ''));
}
