/** Starts the servers of Temporal's SDK. */

/** Starts on a busy machine, where a server may need more than the 5 s that the SDK gives it. */
const MAX_STARTS = 4;

/** Starts an environment, again where its server did not start in time. */
export async function startEnvironment<Environment>(start: () => Promise<Environment>): Promise<Environment> {
  for (let starts = 1; ; starts += 1) {
    try {
      return await start();
    } catch (error) {
      if (starts === MAX_STARTS || !/did not start within/.test(String(error))) throw error;
    }
  }
}
