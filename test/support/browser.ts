/** A browser that is installed on this machine; tests download none. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];

/** Its path; undefined where there is none. */
export const browserPath = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((path) => existsSync(path));

export async function openBrowser(): Promise<Browser> {
  // As root, as in containers, Chromium has no sandbox of its own; it shows pages of this machine only.
  return chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] });
}
