/** What a sender has to offer so that the loads of the bench can be put on it. */

/** An address that takes POSTs, and the events it wants: those of its topic, a name of letters, digits and `_`. */
export interface Receiver {
  readonly url: string;
  readonly topic: string;
  /** The account it belongs to; where absent, one that all such receivers share. */
  readonly account?: string;
  /** Whether it refuses everything at first; a sender that can then stops sending to it. */
  readonly isRefusing?: boolean;
}

/** An event of a load. Its data has to reach the receivers of its topic as JSON with the same members. */
export interface BenchEvent {
  readonly topic: string;
  readonly data: {
    readonly n: number;
    /** When it ought to be emitted, by `nowMs`; receivers measure the latency from there. */
    readonly dueAtMs: number;
    readonly [name: string]: unknown;
  };
}

/** Where things are, as far as the bench itself has started them. */
export interface Connection {
  readonly url?: string;
  readonly adminKey?: string;
  readonly databaseUrl?: string;
  /** The data folder, which has the key that secrets are encrypted with. */
  readonly dataDir?: string;
  /** host:port */
  readonly temporalAddress?: string;
  /** Of https receivers: the certificate to trust (PEM file), and where their name leads, as host:port:address. */
  readonly receiverCaFile?: string;
  readonly receiverResolve?: string;
}

/** A sender under load. */
export interface Adapter {
  /** Registers receivers. Events that are emitted from now on are for them alone. */
  setUp(receivers: readonly Receiver[]): Promise<void>;
  /** Emits events, several of them by one call where the sender can; resolves once they are accepted for good. */
  emit(events: readonly BenchEvent[]): Promise<void>;
  /**
   * Waits until so many deliveries since `setUp` have ended and reports when the last of them was recorded, by `nowMs`.
   * Of a sender that cannot say, the last receipt counts.
   */
  settled?(deliveries: number): Promise<number>;
  /**
   * Waits until so many deliveries since `setUp` wait because their receivers refuse, and returns a function that asks for
   * all of them to be attempted now. Only senders whose drain is measured have it.
   */
  allRefused?(deliveries: number): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** What the module of an adapter exports as `createAdapter`. */
export type CreateAdapter = (connection: Connection) => Promise<Adapter>;
