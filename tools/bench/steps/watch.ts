/** What the processes use while a load is on. */
import { processes, senderProcesses, type Load, type ProcessName } from '../report/measures.js';
import type { Figures } from '../report/report.js';
import { cpuMs, cpuWithChildrenMs, peakBytes, resetPeak, usageReporter } from '../system/usage.js';
import type { Stage } from './types.js';

const MIB = 1_024 * 1_024;

/** Begins to watch; the function it gives ends that and reports processor time per delivery and peak of memory. */
export function watch(stage: Stage, load: Load): (deliveries: number) => Figures {
  if (!usageReporter) return () => ({});
  const before = cpuOf(stage);
  const pigeonpost = stage.installation?.pids.pigeonpost;
  if (pigeonpost !== undefined) resetPeak(pigeonpost);
  return (deliveries) => {
    const after = cpuOf(stage);
    const perDelivery = (name: ProcessName): number => (after[name]! - before[name]!) / deliveries;
    const cpu = processes.filter((name) => name in after).map((name) => [`cpu_${load}_${name}`, perDelivery(name)]);
    return {
      ...(Object.fromEntries(cpu) as Figures),
      ...(stage.installation && {
        [`cpu_${load}_total`]: senderProcesses.reduce((sum, name) => sum + perDelivery(name), 0),
      }),
      ...(pigeonpost === undefined ? {} : { [`memory_${load}`]: peakBytes(pigeonpost) / MIB }),
    };
  };
}

function cpuOf({ installation, receiver, load }: Stage): Partial<Record<ProcessName, number>> {
  return {
    ...(installation && {
      pigeonpost: cpuMs(installation.pids.pigeonpost),
      temporal: cpuMs(installation.pids.temporal),
      postgres: cpuWithChildrenMs(installation.pids.postgres),
    }),
    receiver: cpuMs(receiver.pid),
    load: cpuMs(load.pid),
  };
}
