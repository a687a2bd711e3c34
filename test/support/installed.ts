/** Programs that no package of npm brings and that tests need: without one they are skipped, but never where `CI` is true. */

/** `runner` where `program` is installed, otherwise the one that skips. @throws Error that is `advice` where CI is true. */
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
