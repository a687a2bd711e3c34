/** What a check has found. */
import { errorMessage, OperatorError } from '../../lib/errors.js';

export interface Finding {
  /** What was looked at. */
  readonly name: string;
  /** Pigeonpost works despite a warning, but not as well as it could; with a problem it does not work. */
  readonly level: 'ok' | 'warning' | 'problem';
  readonly says: string;
  /** What to do about it. */
  readonly advice?: string;
}

export const ok = (name: string, says: string): Finding => ({ name, level: 'ok', says });
export const warning = (name: string, says: string, advice: string): Finding => ({
  ...{ name, level: 'warning', says, advice },
});
export const problem = (name: string, says: string, advice?: string): Finding => ({
  ...{ name, level: 'problem', says },
  ...(advice === undefined ? {} : { advice }),
});

/** What a check finds; that it could not be made is a problem too. */
export async function checked(name: string, check: () => Promise<Finding | readonly Finding[]>): Promise<Finding[]> {
  try {
    return [await check()].flat();
  } catch (error) {
    return [failure(name, error)];
  }
}

/** An error as a problem. */
export function failure(name: string, error: unknown): Finding {
  return error instanceof OperatorError
    ? problem(name, error.message, error.hint)
    : problem(name, `${errorMessage(error)}.`);
}
