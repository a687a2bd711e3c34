/**
 * The event types that the platform has defined, cached in memory for accepting events.
 *
 * A change is known to the process that made it before its response, and to others within a second: each reads the
 * catalogue's version twice a second, and the catalogue when that has changed. So no event costs a query.
 */
import type { Logger } from 'pino';
import {
  catalogueVersion,
  loadCatalogue,
  type CatalogueEntry,
  type JsonSchema,
} from '../../store/event-types/event-types.js';
import type { Store } from '../../store/store.js';
import { compileSchema, type PayloadCheck } from './schema.js';

/** Interval between reads of the version, in milliseconds. */
const POLL_MS = 500;

/** An event type as events are checked with it. */
export interface DefinedEventType extends Omit<CatalogueEntry, 'enforcedSchema' | 'example'> {
  /** The check of payloads; undefined when no schema is enforced. Compiled on the first use. */
  readonly check: PayloadCheck | undefined;
  /** The first example; undefined when there is none. */
  readonly example: unknown;
}

export interface EventTypeCatalogue {
  /** Resolves once the catalogue is loaded. Throws what the database throws. */
  ready(): Promise<void>;
  /** Loads the catalogue, after a change by this process. */
  reload(): Promise<void>;
  /** Changes with the catalogue; undefined before it is loaded. */
  readonly version: string | undefined;
  /** Whether no event type is defined. */
  readonly isEmpty: boolean;
  find(name: string): DefinedEventType | undefined;
  /** All event types in the sequence of their names. */
  all(): readonly DefinedEventType[];
  /** Ends the reading. */
  stop(): Promise<void>;
}

export function createEventTypeCatalogue(store: Store, log: Logger, pollMs = POLL_MS): EventTypeCatalogue {
  return new PollingCatalogue(store, log, pollMs);
}

/** Reads only after it was first needed. */
class PollingCatalogue implements EventTypeCatalogue {
  version: string | undefined;
  #byName: ReadonlyMap<string, DefinedEventType> = new Map();
  /** By the text of the schema, so that a check is compiled once for each version. */
  #checks = new Map<string, PayloadCheck>();
  #loaded: Promise<void> | undefined;
  /** The last read; each starts after the one before it, so that no older state replaces a newer one. */
  #reading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;
  #isStopped = false;

  constructor(
    private readonly store: Store,
    private readonly log: Logger,
    private readonly pollMs: number,
  ) {}

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  find(name: string): DefinedEventType | undefined {
    return this.#byName.get(name);
  }

  all(): readonly DefinedEventType[] {
    return [...this.#byName.values()];
  }

  ready(): Promise<void> {
    this.#loaded ??= this.reload().then(
      () => this.#pollLater(),
      (error: unknown) => {
        this.#loaded = undefined;
        throw error;
      },
    );
    return this.#loaded;
  }

  reload(): Promise<void> {
    return this.#read(() => this.#load());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#reading;
  }

  #read(work: () => Promise<void>): Promise<void> {
    const result = this.#reading.then(work);
    this.#reading = result.catch(() => undefined);
    return result;
  }

  #pollLater(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#poll(), this.pollMs).unref();
  }

  async #poll(): Promise<void> {
    try {
      await this.#read(async () => {
        if ((await catalogueVersion(this.store)) !== this.version) await this.#load();
      });
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.log.warn({ err: error }, 'cannot read the event types; the last known ones apply');
      this.#isFailing = true;
    }
    this.#pollLater();
  }

  async #load(): Promise<void> {
    const { version, entries } = await loadCatalogue(this.store);
    const used = new Set(entries.map(({ enforcedSchema }) => enforcedSchema));
    for (const text of this.#checks.keys()) if (!used.has(text)) this.#checks.delete(text);
    this.#byName = new Map(entries.map((entry) => [entry.name, this.#define(entry)]));
    this.version = version;
  }

  #define({ enforcedSchema, example, ...entry }: CatalogueEntry): DefinedEventType {
    const checkOf = (text: string) => this.#checkOf(text);
    return {
      ...entry,
      get check() {
        return enforcedSchema === null ? undefined : checkOf(enforcedSchema);
      },
      get example(): unknown {
        return example === null ? undefined : (JSON.parse(example) as unknown);
      },
    };
  }

  #checkOf(text: string): PayloadCheck {
    const check = this.#checks.get(text) ?? compileSchema(JSON.parse(text) as JsonSchema);
    this.#checks.set(text, check);
    return check;
  }
}
