/** Runs a development tool to its end. An error that an operator can mend is printed without a stack. */
import { OperatorError } from '#src/lib/errors.js';

export function runTool(work: () => Promise<void>): void {
  work().catch((error: unknown) => {
    console.error(error instanceof OperatorError ? `pigeonpost: ${error.toString()}` : error);
    // Not by exit code alone: open connections would keep the process.
    process.exit(1);
  });
}
