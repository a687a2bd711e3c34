/** `pigeonpost completion`: what a shell needs to complete our commands and options. */
import type { Command } from 'commander';

/** Adds the command that prints the script, and the hidden one that the script asks. */
export async function completionCommand(program: Command): Promise<void> {
  // Published as an ES module only.
  const { default: tab } = await import('@bomb.sh/tab/commander');
  tab(program, { completionCommandName: 'completion' });
}
