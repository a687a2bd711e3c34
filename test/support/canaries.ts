/** Secrets that can be recognized, and a search for them in everything that the system has written. */
import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Store } from '../../src/store/store.js';

/** Text that the system has written, and where. */
export interface Written {
  readonly where: string;
  readonly text: string;
  /** Secrets that may be there. */
  readonly except?: readonly string[];
}

export class Canaries {
  readonly #secrets = new Map<string, string>();
  readonly #written: Written[] = [];

  /** A secret of letters and digits. */
  text(what: string): string {
    return this.know(what, `canary${randomBytes(12).toString('hex')}`);
  }

  /** A shared signing key in the form of Standard Webhooks. */
  signingSecret(what: string): string {
    return this.know(what, `whsec_${randomBytes(32).toString('base64')}`);
  }

  /** Adds a secret that was generated elsewhere. */
  know(what: string, secret: string): string {
    this.#secrets.set(secret, what);
    return secret;
  }

  write(where: string, text: string, except: readonly string[] = []): void {
    this.#written.push({ where, text, except });
  }

  /** Everything that Temporal stores of every workflow. */
  async readTemporal({ workflow }: Client): Promise<void> {
    for await (const { workflowId, runId } of workflow.list()) {
      const handle = workflow.getHandle(workflowId, runId);
      const { events } = await handle.fetchHistory();
      const description = await handle.describe();
      this.write(`the history of ${workflowId}`, readable(events));
      const texts = [await description.staticSummary(), await description.staticDetails(), description.memo];
      this.write(`the description of ${workflowId}`, `${readable(description.raw)} ${readable(texts)}`);
    }
  }

  /** Every row of every table as text, with bytes in hexadecimal. */
  async readDatabase({ pool }: Pick<Store, 'pool'>): Promise<void> {
    const tables = await pool.query<{ name: string }>(
      // Rows of partitions are read from their tables.
      `SELECT relname AS name FROM pg_class
       WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace`,
    );
    for (const { name } of tables.rows) {
      const { rows } = await pool.query<{ row: string }>(`SELECT ${name}::text AS row FROM ${name}`);
      this.write(`the table ${name}`, rows.map(({ row }) => row).join('\n'));
    }
  }

  /** How many of these sources contain a text that is no secret, which shows that they can be searched. */
  count(where: RegExp, text: string): number {
    return this.#written.filter((written) => where.test(written.where) && written.text.includes(text)).length;
  }

  /** Which secret was found where, in any of its encodings. */
  found(): string[] {
    return this.#written.flatMap(({ where, text, except = [] }) =>
      Array.from(this.#secrets)
        .filter(([secret]) => !except.includes(secret) && formsOf(secret).some((form) => text.includes(form)))
        .map(([, what]) => `${what} in ${where}`),
    );
  }
}

/** Unchanged, encoded, and for a signing key its bytes. */
function formsOf(secret: string): string[] {
  const bytes = [Buffer.from(secret)];
  const [, key] = /^whsec_(.+)$/.exec(secret) ?? [];
  if (key !== undefined) bytes.push(Buffer.from(key, 'base64'));
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    ...bytes.flatMap((each) => [each.toString('hex'), each.toString('base64').replace(/=+$/, '')]),
  ];
}

/** All texts in a value; bytes are read as UTF-8. */
export function readable(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    const bytes = bytesOf(member);
    if (bytes) return bytes.toString('utf8');
    return typeof member === 'bigint' ? String(member) : member;
  });
}

function bytesOf(value: unknown): Buffer | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value);
  // A Buffer arrives here after its toJSON.
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data as number[]) : undefined;
}
