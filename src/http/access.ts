/** Which callers may use a route, and how OpenAPI says it. */
import type { PortalCapability } from '../store/accounts/sessions.js';
import type { Scope } from '../store/accounts/api-keys.js';
import { hasScope, type Principal } from './principal.js';
import { Problem } from './problem.js';

/** Who may call a route. */
export interface RouteAccess {
  /** What the caller's key must be allowed to do; `any` for every key. */
  readonly scope: Scope | 'any';
  /** Whether accounts may call it; the handler then returns only that account's data. Operators only if absent. */
  readonly forAccounts?: boolean;
  /**
   * What a link of the customer portal needs: nothing for `view`, otherwise one of these. No link may call it if absent.
   */
  readonly capability?: 'view' | PortalCapability | readonly PortalCapability[];
}

/** Why a caller may not use a route; undefined if it may. */
export function refusalOf(principal: Principal, { scope, forAccounts, capability }: RouteAccess): Problem | undefined {
  if (principal.credential.kind === 'portal') return refusalOfPortal(principal, forAccounts ? capability : undefined);
  if (!forAccounts && principal.role !== 'operator')
    return new Problem('forbidden', "only an operator may do this; send an operator's key instead of an account's key");
  if (scope === 'any' || hasScope(principal, scope)) return undefined;
  const { scopes } = principal.credential;
  return new Problem(
    'forbidden',
    `this needs the scope ${scope}, and the key has ${scopes.join(', ')}; use another key`,
  );
}

function refusalOfPortal(principal: Principal, capability: RouteAccess['capability']): Problem | undefined {
  if (capability === undefined)
    return new Problem('forbidden', 'a link of the customer portal may not do this; send a key instead');
  const sufficient = sufficientFor(capability);
  if (sufficient.length === 0 || sufficient.some((one) => hasCapability(principal, one))) return undefined;
  return new Problem('forbidden', `this link of the customer portal lacks ${sufficient.join(' or ')}; ask for another`);
}

/** Whether the caller may do what portal links need a capability for; callers with a key always may. */
export function hasCapability({ credential }: Principal, needed: PortalCapability): boolean {
  if (credential.kind !== 'portal') return true;
  const { capabilities = [] } = credential.portal ?? {};
  return capabilities.includes(needed) || (needed === 'view_secrets' && capabilities.includes('show_secrets'));
}

/** The problem of a portal link without a capability that a part of a request needs. */
export function lacksCapability(needed: PortalCapability, what: string): Problem {
  return new Problem('forbidden', `this link of the customer portal lacks ${needed}, which ${what} needs`);
}

/** Security requirements, of which a request meets one: https://spec.openapis.org/oas/v3.1.0#security-requirement-object */
export function securityOf({ scope, forAccounts, capability }: RouteAccess): Record<string, string[]>[] {
  const needed = scope === 'any' ? [] : [scope];
  const ofPortal = capability === undefined ? [] : capability === 'view' ? [[]] : sufficientFor(capability);
  return [
    { operatorKey: needed },
    ...(forAccounts ? [{ accountKey: needed }] : []),
    ...ofPortal.map((one) => ({ portalLink: [one].flat() })),
  ];
}

/** A sentence on what a portal link needs; undefined where no link may call the route. */
export function describePortalAccess({ capability }: RouteAccess): string | undefined {
  if (capability === undefined) return undefined;
  const sufficient = sufficientFor(capability);
  if (sufficient.length === 0) return 'Every link of the customer portal may call it.';
  return `Links of the customer portal with ${sufficient.join(' or ')} may call it.`;
}

/** The capabilities of which one is enough; none for what every link may do. */
function sufficientFor(capability: NonNullable<RouteAccess['capability']>): readonly PortalCapability[] {
  if (capability === 'view') return [];
  return typeof capability === 'string' ? [capability] : capability;
}
