import { errorCode } from '../lib/errors.js';

/** Whether the database refuses what is in a row, SQLSTATE classes 22 (data) and 23 (constraints): trying again is no use. */
export function isRefused(error: unknown): boolean {
  return /^2[23]/.test(errorCode(error) ?? '');
}
