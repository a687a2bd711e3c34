/**
 * Sign-in with OpenID Connect: authorization code with PKCE, state and nonce. Requests go to the provider of the settings
 * only, so they need no address guard.
 */
import { createHash } from 'node:crypto';
import type { Configuration, IDToken, UserInfoResponse } from 'openid-client';
import type { OidcConfig } from '../config/config.js';
import type { Scope } from '../store/accounts/api-keys.js';

/** Time limit of a request to the provider, in seconds. */
const REQUEST_S = 10;
/** How long what the provider publishes is kept, in milliseconds. */
const KEPT_MS = 3_600_000;

/** What is remembered of a sign-in until the provider sends the browser back. */
export interface OidcTransaction {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

/** Who has signed in. */
export interface OidcUser {
  readonly name: string;
  /** Empty for someone who may do nothing. */
  readonly scopes: readonly Scope[];
}

export interface Oidc {
  /** As people know the provider. */
  readonly name: string;
  /** A hash of the settings: sessions end when they are others. */
  readonly client: string;
  /** Starts a sign-in; `url` is where the browser is sent. Rejects when the provider cannot be reached. */
  start(redirectUri: string): Promise<{ readonly url: URL; readonly transaction: OidcTransaction }>;
  /** Ends it with the address that the provider has sent the browser to. Rejects unless everything is as it was started. */
  finish(address: URL, transaction: OidcTransaction): Promise<OidcUser>;
}

/** Creates the sign-in; nothing is requested before the first one. */
export function createOidc(config: OidcConfig): Oidc {
  const { clientId, scopes, name } = config;
  let found: { readonly until: number; readonly provider: Promise<Configuration> } | undefined;

  function provider(): Promise<Configuration> {
    const now = performance.now();
    if (found && found.until > now) return found.provider;
    const discovered = discover(config);
    found = { until: now + KEPT_MS, provider: discovered };
    // The next sign-in tries again.
    discovered.catch(() => (found = undefined));
    return discovered;
  }

  return {
    name,
    client: hashOf(config),
    async start(redirectUri) {
      const library = await import('openid-client');
      const verifier = library.randomPKCECodeVerifier();
      const transaction = { state: library.randomState(), nonce: library.randomNonce(), verifier, redirectUri };
      const url = library.buildAuthorizationUrl(await provider(), {
        ...{ client_id: clientId, redirect_uri: redirectUri, scope: scopes },
        ...{ state: transaction.state, nonce: transaction.nonce },
        ...{ code_challenge: await library.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
      });
      return { url, transaction };
    },
    async finish(address, { state, nonce, verifier, redirectUri }) {
      const library = await import('openid-client');
      const server = await provider();
      const current = new URL(redirectUri);
      current.search = address.search;
      const tokens = await library.authorizationCodeGrant(server, current, {
        ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
      });
      const idToken = tokens.claims()!;
      const hasUserInfo = server.serverMetadata().userinfo_endpoint !== undefined;
      const info = hasUserInfo ? await library.fetchUserInfo(server, tokens.access_token, idToken.sub) : {};
      return toUser(config, { ...info, ...idToken });
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: OidcConfig): Promise<Configuration> {
  const library = await import('openid-client');
  const authentication = clientSecret === undefined ? library.None() : undefined;
  return library.discovery(new URL(issuer), clientId, clientSecret, authentication, {
    timeout: REQUEST_S,
    // The settings allow it for this machine only.
    ...(issuer.startsWith('http:') ? { execute: [library.allowInsecureRequests] } : {}),
  });
}

/** Name and scopes by the claims of a person. */
export function toUser(
  { access }: Pick<OidcConfig, 'access'>,
  claims: Partial<IDToken> & Partial<UserInfoResponse> & Readonly<Record<string, unknown>>,
): OidcUser {
  const granted = access.filter(({ claim, value }) => hasClaim(claims, claim, value)).map(({ scope }) => scope);
  const names = [claims.email, claims.preferred_username, claims.name, claims.sub];
  const name = names.find((text): text is string => typeof text === 'string' && text.trim() !== '') ?? 'unknown';
  return { name: name.slice(0, MAX_NAME).replace(/[\p{Cc}\p{Cs}]/gu, ''), scopes: [...new Set(granted)] };
}

/** Characters of a name that are stored. */
const MAX_NAME = 200;

function hasClaim(claims: Readonly<Record<string, unknown>>, claim: string, value: string): boolean {
  // Anyone may enter another's address at some providers.
  if (claim === 'email' && claims.email_verified !== true) return false;
  const given = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  return Array.isArray(given) ? given.includes(value) : given === value;
}

/** Of what decides who may do what; the secret of the client may be rotated. */
function hashOf({ issuer, clientId, access }: OidcConfig): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, clientId, access]))
    .digest('base64url');
}
