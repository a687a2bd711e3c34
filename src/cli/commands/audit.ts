/** `pigeonpost audit`: who changed and commanded what. */
import type { Command } from 'commander';
import { unwrap } from '../../client/index.js';
import { time, wholeNumber } from '../arguments.js';
import { apiCommand, openContext, type CommonOptions } from '../context.js';
import { table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

interface AuditOptions extends CommonOptions {
  readonly account?: string;
  readonly object?: string;
  readonly usedKey?: string;
  readonly action?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export function auditCommand(program: Command, terminal: Terminal): void {
  apiCommand(program, 'audit', 'List who changed and commanded what, the newest first')
    .option('--account <account>', 'only what was about this account')
    .option('--object <id>', 'only what was about this delivery, subscription, key or the like')
    .option('--used-key <key>', 'only what was done with the key of this id')
    .option('--action <text>', 'only actions with this text, such as /cancel or DELETE')
    .option('--from <time>', 'only from this time on, or how long ago, such as 2h', time)
    .option('--to <time>', 'only before this time, or how long ago', time)
    .option('--limit <number>', 'how many', wholeNumber(1, 250), 50)
    .option('--cursor <cursor>', 'nextCursor of the previous page')
    .action(async ({ account, object, usedKey, action, from, to, limit, cursor, ...options }: AuditOptions) => {
      const { client, print } = await openContext(terminal, options);
      const query = { accountId: account, objectId: object, keyId: usedKey, action, from, to, limit, cursor };
      const page = await unwrap(client.GET('/v1/audit', { params: { query } }));
      print(page, () =>
        table(
          ['Time', 'Key', 'Via', 'Action', 'Object', 'Account', 'Status'],
          page.data.map(({ at, keyName, keyId, via, action, objectId, accountId, status }) => [
            ...[when(at), keyName ?? keyId, via, action, objectId, accountId],
            status ?? 'not recorded',
          ]),
        ),
      );
    });
}
