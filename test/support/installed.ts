/** Programs that tests need and npm cannot install: tests without them are skipped, but fail when `CI` is true. */

/** `runner` when `program` is installed, otherwise the runner that skips. @throws Error with `advice` when CI is true. */
export function orSkip<Runner extends { readonly skip: unknown }>(
  runner: Runner,
  program: string | undefined,
  advice: string,
): Runner {
  if (program !== undefined) return runner;
  if (process.env.CI === 'true') throw new Error(advice);
  console.warn(`Tests are skipped: ${advice}`);
  return runner.skip as Runner;
}
