/** Waits between tries of a write, in milliseconds. Together they must fit into ATTEMPT_MARGIN_MS (workflows/limits.ts). */
export const RETRY_WAITS_MS = [100, 300, 1_000, 2_000, 4_000];

/** Retries a write for some seconds. Throws the last error, or at once an error that `isPermanent` matches. */
export async function retrying<T>(
  write: () => Promise<T>,
  isPermanent: (error: unknown) => boolean = () => false,
): Promise<T> {
  for (const wait of RETRY_WAITS_MS) {
    try {
      return await write();
    } catch (error) {
      if (isPermanent(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return write();
}
