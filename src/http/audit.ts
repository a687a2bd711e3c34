/**
 * Writes the audit log. An entry is committed before the change that it is about, and its result is added afterwards:
 * whatever dies in between, no change is without an entry. While no entry can be written, nothing can be changed.
 */
import type { ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { finishAudit, startAudit, type AuditSource, type AuditStart } from '../store/audit.js';
import type { Store } from '../store/store.js';
import { toProblem } from './errors.js';
import type { Principal } from './principal.js';
import { requestIdOf } from './request-log.js';

/** Paths below an account name it as `{id}`. */
const OF_ACCOUNT = ' /v1/accounts/{id}';
/** Requests whose response is an account without one being named by its id. */
const ACCOUNT = / \/v1\/accounts(\/by-id\/|$)/;
/** What the command line's User-Agent begins with. */
const CLI = 'pigeonpost-cli/';

/** What is read of a request, whatever its handlers make of its parameters. */
export interface AuditedRequest {
  readonly ip?: string | undefined;
  readonly method: string;
  readonly baseUrl: string;
  readonly path: string;
  readonly res?: (Pick<ServerResponse, 'statusCode' | 'once'> & { readonly locals: object }) | undefined;
  get(name: string): string | undefined;
}

export interface AuditedCall {
  readonly principal: Principal;
  readonly request: Request;
  readonly response: Response;
  /** Method and path with the names of its parameters. */
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The status of its success. */
  readonly success: number;
}

export class Audit {
  constructor(
    private readonly store: Store,
    private readonly log: Logger,
  ) {}

  /** Does something between its entry and the result of it. Rejects without doing it when there can be no entry. */
  async around<Result>(
    { principal, request, response, action, params, success }: AuditedCall,
    act: () => Promise<Result>,
  ): Promise<Result> {
    const { keyId, linkId, name, externalId, id: given } = params;
    const isBelowAccount = action.includes(OF_ACCOUNT);
    const accountId = accountOf(principal) ?? (isBelowAccount ? textOf(given) : null);
    const objectId = textOf(keyId ?? linkId ?? given ?? externalId ?? name);
    const entry = { ...caller(principal, request), action, accountId, objectId };
    const id = await startAudit(this.store, { ...entry, requestId: requestIdOf(response) ?? null });
    try {
      const result = await act();
      const made = result as { id?: unknown; accountId?: unknown } | undefined;
      // A request to a collection is about what it has created there.
      const created =
        given === undefined || (isBelowAccount && keyId === undefined && linkId === undefined)
          ? textOf(made?.id)
          : null;
      const ofAccount = ACCOUNT.test(action) ? created : textOf(made?.accountId);
      await this.#finish(id, response.headersSent ? response.statusCode : success, ofAccount, created);
      return result;
    } catch (error) {
      await this.#finish(id, toProblem(error).status, null, null);
      throw error;
    }
  }

  /** Writes an entry for a request to a provider's own API, and its status when its response is sent. */
  async request(principal: Principal, request: AuditedRequest): Promise<void> {
    const { method, baseUrl, path, res } = request;
    const id = await startAudit(this.store, {
      ...caller(principal, request),
      via: 'provider',
      action: `${method} ${baseUrl}${path}`.replace(/\/$/, '').slice(0, 200),
      accountId: accountOf(principal),
      objectId: null,
      requestId: res ? (requestIdOf(res) ?? null) : null,
    });
    res?.once('finish', () => void this.#finish(id, res.statusCode, null, null));
  }

  /** Never rejects: what was done is done, and its entry shows that no result was recorded. */
  async #finish(id: string, status: number, accountId: string | null, objectId: string | null): Promise<void> {
    try {
      await finishAudit(this.store, id, { status, accountId, objectId });
    } catch (err) {
      this.log.error({ err, auditId: id, status }, 'the result of an audited request could not be recorded');
    }
  }
}

function caller(principal: Principal, request: AuditedRequest): Omit<AuditStart, 'action' | 'accountId' | 'objectId'> {
  const { role, credential } = principal;
  const { kind, id = null, name } = credential;
  const isSession = kind === 'dashboard' || kind === 'portal';
  return {
    role,
    via: isSession ? kind : sourceOf(request),
    keyId: isSession ? (credential.keyId ?? null) : id,
    keyName: name,
    sessionId: isSession ? id : null,
    address: request.ip ?? null,
    requestId: null,
  };
}

function sourceOf(request: AuditedRequest): AuditSource {
  return request.get('user-agent')?.startsWith(CLI) ? 'cli' : 'api';
}

function accountOf(principal: Principal): string | null {
  return principal.role === 'account' ? principal.account.id : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
