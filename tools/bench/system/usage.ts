/** What processes use, as Linux reports it. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

/** Whether this system reports these figures. */
export const usageReporter = process.platform === 'linux';

/** One tick of the counters of processor time, in milliseconds: USER_HZ is 100 wherever Linux runs. */
const TICK_MS = 10;

interface Stat {
  readonly parent: number;
  /** Its own ticks, and those of children that have ended. */
  readonly own: number;
  readonly endedChildren: number;
}

/** Processor time of a process alone, in milliseconds. */
export function cpuMs(pid: number): number {
  return (readStat(pid)?.own ?? 0) * TICK_MS;
}

/** Processor time of a process and of all children it has or had, in milliseconds. */
export function cpuWithChildrenMs(pid: number): number {
  const own = readStat(pid);
  if (!own) return 0;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat?.parent === pid);
  return children.reduce((sum, child) => sum + child!.own, own.own + own.endedChildren) * TICK_MS;
}

/** Processor time of a process and of all that it and its children have started, in milliseconds. */
export function treeCpuMs(pid: number): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readStat(Number(name));
      return stat ? [{ id: Number(name), ...stat }] : [];
    });
  const ticks = (id: number): number =>
    stats
      .filter((stat) => stat.id === id || stat.parent === id)
      .reduce((sum, stat) => sum + (stat.id === id ? stat.own + stat.endedChildren : ticks(stat.id)), 0);
  return ticks(pid) * TICK_MS;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [parent, user, system, childUser, childSystem] = [1, 11, 12, 13, 14].map((index) => Number(fields[index]));
    return { parent: parent!, own: user! + system!, endedChildren: childUser! + childSystem! };
  } catch {
    return undefined;
  }
}

/** What a process holds in memory now, in bytes. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** The most a process has held in memory since `resetPeak`, in bytes. */
export function peakBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

/** Forgets the most that a process has held in memory. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function statusBytes(pid: number, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) * 1_024;
}
