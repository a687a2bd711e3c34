/** `pigeonpost portal-link`: links to the customer portal of an account. */
import { Option, type Command } from 'commander';
import { unwrap, type components } from '../../client/index.js';
import { OperatorError } from '../../lib/errors.js';
import { collect, duration } from '../arguments.js';
import { apiCommand, openContext, type CommandContext, type CommonOptions } from '../context.js';
import { table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

type Capability = components['schemas']['PortalLink']['capabilities'][number];

interface LinkOptions extends CommonOptions {
  readonly access?: 'full' | 'read';
  readonly allow?: Capability[];
  /** In milliseconds. */
  readonly expires?: number;
  readonly theme?: 'light' | 'dark' | 'auto';
  readonly list?: boolean;
  readonly revoke?: string;
}

export function portalLinkCommand(program: Command, terminal: Terminal): void {
  apiCommand(program, 'portal-link <account>', 'Make a link to the customer portal of an account, and print it')
    .addOption(
      new Option('--access <access>', 'what it may do besides reading: everything, or nothing').choices([
        'full',
        'read',
      ]),
    )
    .addOption(
      new Option(
        '--allow <capability>',
        'only this: manage_subscriptions, show_secrets or send_again; repeatable',
      ).argParser(collect),
    )
    .option('--expires <span>', 'when it ends, such as 1h (default) or 7d', duration)
    .addOption(new Option('--theme <theme>', 'how the page looks').choices(['light', 'dark', 'auto']))
    .option('--list', 'list the valid links instead')
    .option('--revoke <link>', 'revoke the link of this id instead, or all')
    .action(async (account: string, { list, revoke, ...options }: LinkOptions) => {
      if (list && revoke !== undefined) throw new OperatorError('Give --list or --revoke, not both.');
      const context = await openContext(terminal, options);
      if (list) return showLinks(context, account);
      if (revoke !== undefined) return revokeLinks(context, account, revoke);
      await makeLink(context, account, options);
    });
}

async function makeLink({ client, print }: CommandContext, id: string, options: LinkOptions): Promise<void> {
  const { access, allow, expires, theme } = options;
  const expiresInS = expires === undefined ? undefined : Math.round(expires / 1_000);
  const body = { access, capabilities: allow, expiresInS, theme };
  const link = await unwrap(client.POST('/v1/accounts/{id}/portal-links', { params: { path: { id } }, body }));
  print(link, () => link.url);
}

async function showLinks({ client, print }: CommandContext, id: string): Promise<void> {
  const params = { path: { id }, query: { limit: 250 } };
  const links = await unwrap(client.GET('/v1/accounts/{id}/portal-links', { params }));
  print(links, () =>
    table(
      ['Link', 'May', 'Created', 'Expires'],
      links.data.map(({ id, capabilities, createdAt, expiresAt }) => [
        ...[id, capabilities.length === 0 ? 'read' : capabilities.join(', ')],
        ...[createdAt, expiresAt].map(when),
      ]),
    ),
  );
}

async function revokeLinks({ client, print }: CommandContext, id: string, revoke: string): Promise<void> {
  if (revoke === 'all') await unwrap(client.DELETE('/v1/accounts/{id}/portal-links', { params: { path: { id } } }));
  else {
    const params = { path: { id, linkId: revoke } };
    await unwrap(client.DELETE('/v1/accounts/{id}/portal-links/{linkId}', { params }));
  }
  print({ id: revoke, revoked: true }, () => `revoked ${revoke}`);
}
