/** Waits between tries of a write, in milliseconds; together they fit into an activity's margin. */
const WAITS_MS = [100, 300, 1_000, 2_000, 4_000];

/** Runs a write again after each failure, for some seconds; throws the last error, or one that is `hopeless` at once. */
export async function retrying<T>(
  write: () => Promise<T>,
  hopeless: (error: unknown) => boolean = () => false,
): Promise<T> {
  for (const wait of WAITS_MS) {
    try {
      return await write();
    } catch (error) {
      if (hopeless(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return write();
}
