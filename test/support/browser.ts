/** A browser that is installed on this machine; tests do not download one. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];

export const BROWSER_ADVICE =
  'no browser was found; install one (apt-get install chromium) or name one in PIGEONPOST_TEST_CHROMIUM';

/** The path of a browser; undefined when none is installed. @throws Error when the configured one does not exist. */
export function findBrowser(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env.PIGEONPOST_TEST_CHROMIUM;
  if (named) {
    if (!existsSync(named)) throw new Error(`PIGEONPOST_TEST_CHROMIUM: there is no ${named}`);
    return named;
  }
  return (env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

export const browserPath = findBrowser();

export async function openBrowser(): Promise<Browser> {
  // Loaded here, as it takes half a second, which tests without a browser need not wait for.
  const { chromium } = await import('playwright-core');
  // As root, as in containers, Chromium has no sandbox; it shows pages of this machine only.
  return chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] });
}
