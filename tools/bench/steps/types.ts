/** What the loads are put on with. */
import type { Connection } from '../adapters/types.js';
import type { Sizes } from '../options.js';
import type { LoadMethods } from '../processes/load.js';
import type { ReceiverMethods } from '../processes/receiver.js';
import type { Remote } from '../processes/remote.js';
import type { AttackName, Load } from '../report/measures.js';
import type { Figures } from '../report/report.js';
import type { Installation } from '../system/installation.js';

/** Everything that is running while a load is put on. */
export interface Stage {
  readonly sizes: Sizes;
  readonly receiver: Remote<ReceiverMethods>;
  /** Where the receivers are; each adds a path. */
  readonly receiverUrl: string;
  readonly load: Remote<LoadMethods>;
  /** The module of the adapter to the sender that is measured. */
  readonly sender: string;
  readonly connection: Connection;
  /** Absent when the sender is not Pigeonpost. */
  readonly installation?: Installation;
}

/** Puts one load on and reports its figures. */
export interface Step {
  readonly load: Load;
  run(stage: Stage): Promise<Figures>;
  /** Whether it is put on once only and long enough to need no warming up. */
  readonly once?: boolean;
}

/** Loads that are put on the same installation, in turn. */
export interface Group {
  /** Settings of Pigeonpost that are not the default. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  /** Whether its receivers have https whatever the options say. */
  readonly https?: boolean;
  /** The attack that is measured. */
  readonly attack?: AttackName;
  /** Whether no name server responds to Pigeonpost. */
  readonly silentNames?: boolean;
  /** Done once before the first load. */
  readonly prepare?: (stage: Stage) => Promise<void>;
}
