/** `pigeonpost doctor`: what is wrong, and what to do about it. */
import type { Command } from 'commander';
import { apiCommand, ExitError, printers, type CommonOptions } from '../context.js';
import type { Terminal } from '../terminal.js';

const MARKS = { ok: '✓', warning: '!', problem: '✗' } as const;

export function doctorCommand(program: Command, terminal: Terminal): void {
  apiCommand(
    program,
    'doctor',
    'Check every dependency and setting and print advice; exits with 1 if there is a problem',
  )
    .addHelpText(
      'after',
      '\nIt reads the settings of this terminal like `up`, `api` and `worker`, and changes nothing.',
    )
    .action(async (options: CommonOptions) => {
      const { examine } = await import('../doctor/doctor.js');
      const findings = await examine(options, terminal.env);
      const healthy = findings.every(({ level }) => level !== 'problem');
      printers(terminal, options).print({ healthy, findings }, () =>
        findings
          .map(({ name, level, says, advice }) => {
            const line = `${MARKS[level]} ${name}: ${says}`;
            return advice === undefined ? line : `${line}\n    ${advice}`;
          })
          .join('\n'),
      );
      if (!healthy) throw new ExitError(1);
    });
}
