import { defaults } from './defaults.js';
import type { OidcGrant } from './oidc-settings.js';
import type { Values } from './settings.js';

/** How operators sign in with OpenID Connect. */
export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret?: string;
  readonly access: readonly OidcGrant[];
  /** Separated by spaces. */
  readonly scopes: string;
  /** As people know the provider. */
  readonly name: string;
}

/** The settings of the sign-in with OpenID Connect, with their defaults; undefined without a provider. */
export function readOidc(values: Values): OidcConfig | undefined {
  const {
    PIGEONPOST_OIDC_ISSUER: issuer,
    PIGEONPOST_OIDC_CLIENT_ID: clientId,
    PIGEONPOST_OIDC_CLIENT_SECRET: clientSecret,
    PIGEONPOST_OIDC_ACCESS: access,
    PIGEONPOST_OIDC_SCOPES: scopes = defaults.oidcScopes,
    PIGEONPOST_OIDC_NAME: name = defaults.oidcName,
  } = values;
  if (issuer === undefined || clientId === undefined || access === undefined) return undefined;
  return { issuer, clientId, ...(clientSecret === undefined ? {} : { clientSecret }), access, scopes, name };
}

/** What a provider is set without. */
export function missingForOidc(env: NodeJS.ProcessEnv): string[] {
  const isSet = (name: string): boolean => (env[name]?.trim() ?? '') !== '';
  if (!isSet('PIGEONPOST_OIDC_ISSUER')) return [];
  return ['PIGEONPOST_OIDC_CLIENT_ID', 'PIGEONPOST_OIDC_ACCESS']
    .filter((name) => !isSet(name))
    .map((name) => `${name} is missing: PIGEONPOST_OIDC_ISSUER needs it too`);
}
