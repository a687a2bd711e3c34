/** Reads the environment: the values of settings, and names that look like settings and are none. */
import { fileVariables } from './secret-files.js';
import { table, type SettingName, type Values } from './settings.js';

/**
 * Variables that Kubernetes sets in every container for a Service whose name begins with `pigeonpost`: no operator wrote
 * them, so they are no typos.
 */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/;

/** A value as Kubernetes writes it, such as `tcp://10.0.0.1:8080`. */
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//;

/** Variables the test suite hands from its set-up to its tests. */
const TEST_PREFIX = 'PIGEONPOST_TEST_';

/** The settings that are set, converted; adds a line to `problems` for each that cannot be used. */
export function readValues(env: NodeJS.ProcessEnv, problems: string[]): Values {
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of Object.keys(table) as SettingName[]) {
    const text = env[name]?.trim() ?? '';
    if (text === '') continue;
    const { schema, secret = false }: { schema: (typeof table)[SettingName]['schema']; secret?: boolean } = table[name];
    const result = schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else
      problems.push(problem(name, secret ? undefined : text, result.error.issues[0]?.message ?? 'it cannot be read'));
  }
  return values as Values;
}

function problem(name: string, shown: string | undefined, advice: string): string {
  const what = shown === undefined ? `${name} cannot be used` : `${name} is ${JSON.stringify(shown)}`;
  const link = SERVICE_LINK_VALUE.test(shown ?? '')
    ? ' (Kubernetes sets this one for a Service of that name; set it yourself, or enableServiceLinks to false)'
    : '';
  return `${what}: ${advice}${link}`;
}

/** One line for every variable that looks like a setting of Pigeonpost and is none. */
export function unknownNames(env: NodeJS.ProcessEnv): string[] {
  const known = new Set([...Object.keys(table), ...fileVariables]);
  return Object.entries(env)
    .filter(([name]) => name.startsWith('PIGEONPOST_') && !known.has(name) && !name.startsWith(TEST_PREFIX))
    .filter(([name, value]) => !SERVICE_LINK.test(name) && !SERVICE_LINK_VALUE.test(value ?? ''))
    .map(([name]) => `${name} is not a setting: did you mean ${nearest(name)}?`);
}

function nearest(name: string): string {
  const known = Object.keys(table).filter((candidate) => candidate.startsWith('PIGEONPOST_'));
  const ranked = known.map((candidate) => ({ candidate, edits: distance(name, candidate) }));
  return ranked.reduce((best, next) => (next.edits < best.edits ? next : best)).candidate;
}

/** The edit distance: letters to add, remove or replace to make one name the other. */
function distance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...from].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
