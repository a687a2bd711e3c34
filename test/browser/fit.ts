/** Whether a page is fit to read: no violation that axe finds, and nothing beyond the edge of the screen. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export async function expectFit(page: Page): Promise<void> {
  await page.evaluate(axe);
  const violations = await page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => [id, target.join(' '), failureSummary])))`,
  );
  expect(violations).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
}

/** Texts of single words that are wider than the element that cuts them off. */
export const CUT_OFF = `[...document.querySelectorAll('button, a, label, th, h1, h2, h3, dt, dd, p, .mantine-Badge-label')]
  .filter((element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1
    && getComputedStyle(element).overflowX !== 'visible')
  .map((element) => element.textContent)`;
