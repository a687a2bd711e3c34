/** A steady load for long, to see whether memory grows. */
import { setInterval } from 'node:timers';
import type { Figures } from '../report/report.js';
import { median } from '../report/statistics.js';
import { residentBytes, usageReporter } from '../system/usage.js';
import { pace } from './pace.js';
import type { Stage } from './types.js';

const MIB = 1_024 * 1_024;
/** How often is looked, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

/** Reports how much more memory Pigeonpost's process holds in the last tenth of the time than in the second one. */
export async function soak(stage: Stage): Promise<Figures> {
  const { installation, sender, sizes } = stage;
  if (!installation || !usageReporter) return {};
  const looks: number[] = [];
  const timer = setInterval(() => looks.push(residentBytes(installation.pids.pigeonpost) / MIB), LOOK_EVERY_MS);
  const usage = await pace(stage, { name: 'soak', adapter: sender, seconds: sizes.soakSeconds }).finally(() =>
    clearInterval(timer),
  );
  const tenth = Math.max(Math.floor(looks.length / 10), 1);
  const growth = median(looks.slice(-tenth)) - median(looks.slice(tenth, 2 * tenth));
  return { ...usage, soak_growth: growth };
}
