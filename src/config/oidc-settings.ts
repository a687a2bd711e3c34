/** Settings of the sign-in with OpenID Connect. */
import { z } from 'zod';
import { list, parsed, type SettingDefinition } from './formats.js';

/** What people with a claim may do. */
export interface OidcGrant {
  /** Name of a claim, such as groups. */
  readonly claim: string;
  /** A value of it, or one of its values. */
  readonly value: string;
  readonly scope: 'read' | 'operate' | 'admin';
}

const GRANT = /^(?<claim>[^=\s]+)=(?<value>.+):(?<scope>read|operate|admin)$/;

const grants = parsed((text) =>
  list(text).map((item): OidcGrant => {
    const { claim = '', value = '', scope } = GRANT.exec(item)?.groups ?? {};
    if (scope === undefined)
      throw new Error(
        `write claims with the scope that they give, such as groups=webhook-admins:admin,groups=support:read (not "${item}")`,
      );
    return { claim, value, scope: scope as OidcGrant['scope'] };
  }),
);

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** https, or http on this machine; without a query, as the specification says. */
const issuer = parsed((text) => {
  const { protocol, hostname = '', search, hash } = URL.canParse(text) ? new URL(text) : ({} as Partial<URL>);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
  if (!isSafe || `${search}${hash}` !== '') throw new Error('write a URL like https://login.example.com/realms/acme');
  return text;
});

export const oidcSettings = {
  PIGEONPOST_OIDC_ISSUER: {
    description: 'Issuer of the OpenID Connect provider that operators sign in to the dashboard with.',
    default: 'sign-in with keys only',
    schema: issuer,
  },
  PIGEONPOST_OIDC_CLIENT_ID: {
    description: 'Client id of Pigeonpost at this provider.',
    schema: z.string(),
  },
  PIGEONPOST_OIDC_CLIENT_SECRET: {
    description: 'Secret of this client.',
    default: 'none, for a public client',
    secret: true,
    schema: z.string(),
  },
  PIGEONPOST_OIDC_ACCESS: {
    description:
      'Who may sign in: claims with the scope that they give (read, operate or admin), comma separated, such as groups=webhook-admins:admin,groups=support:read. Everyone else is refused.',
    schema: grants,
  },
  PIGEONPOST_OIDC_SCOPES: {
    description: 'Scopes that the provider is asked for, separated by spaces; some need groups too.',
    default: 'openid profile email',
    schema: parsed((text) => {
      if (!text.split(/\s+/).includes('openid')) throw new Error('write scopes such as openid profile email groups');
      return text.split(/\s+/).join(' ');
    }),
  },
  PIGEONPOST_OIDC_NAME: {
    description: 'Name of the provider on the sign-in page: Sign in with ….',
    default: 'OpenID Connect',
    schema: z.string().max(60, { error: 'write at most 60 characters' }),
  },
} as const satisfies Record<string, SettingDefinition>;
