/** See fill.mjs. */
export function fill(
  databaseUrl: string,
  rows: number,
  options?: { days?: number; progress?: (written: number) => void },
): Promise<void>;
