/** Secrets in files, as orchestrators mount them: `NAME_FILE` has the path of a file with the value of the setting NAME. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorMessage } from '../lib/errors.js';
import type { SettingDefinition } from './formats.js';
import { table } from './settings.js';

/** Settings that may be read from a file. A PEM text has its path in a setting of Temporal's own. */
const secretNames: readonly string[] = Object.entries(table)
  .filter(([name, { secret = false }]: [string, SettingDefinition]) => secret && !name.endsWith('_DATA'))
  .map(([name]) => name);

/** Names of the variables with the paths of these files. */
export const fileVariables: readonly string[] = secretNames.map((name) => `${name}_FILE`);

/** The environment with what these files hold; adds a line to `problems` for each that cannot be used. */
export function withSecretFiles(env: NodeJS.ProcessEnv, problems: string[]): NodeJS.ProcessEnv {
  const read = { ...env };
  for (const name of secretNames) {
    const path = env[`${name}_FILE`]?.trim() ?? '';
    if (path === '') continue;
    if ((env[name]?.trim() ?? '') !== '') problems.push(`${name} and ${name}_FILE are both set: unset one of them`);
    else read[name] = readSecret(`${name}_FILE`, path, problems);
  }
  return read;
}

function readSecret(variable: string, path: string, problems: string[]): string | undefined {
  try {
    const text = readFileSync(resolve(path), 'utf8').trim();
    if (text !== '') return text;
    problems.push(`${variable} is "${path}": the file is empty`);
  } catch (error) {
    problems.push(`${variable} is "${path}": write the path of a file that can be read (${errorMessage(error)})`);
  }
  return undefined;
}
