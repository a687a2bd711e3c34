/** What the API's routes work with. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import type { EventWriter } from '../dispatch/event-writer.js';
import type { AddressGuard } from '../egress/address.js';
import type { Store } from '../store/store.js';
import type { WriteHealth } from '../store/write-health.js';
import type { DeliveryFeed } from './deliveries/feed.js';
import type { SignIn } from '../http/sign-in.js';

export interface ApiContext {
  readonly store: Store;
  readonly client: Client;
  readonly dispatcher: Dispatcher;
  readonly eventWriter: EventWriter;
  readonly writes: WriteHealth;
  readonly feed: DeliveryFeed;
  readonly log: Logger;
  readonly adminKey: string;
  readonly signIn: SignIn;
  /** Requests that emit events and have more bytes are rejected. */
  readonly maxBodyBytes: number;
  /** Subscriptions that an account may have unless it says otherwise. */
  readonly maxSubscriptions: number;
  /** Whether receivers may be plain http. */
  readonly allowHttp: boolean;
  /** Whether requests may be sent to an address. */
  readonly allowsAddress: AddressGuard;
  /** The only ports that receivers may be addressed at; any when absent. */
  readonly allowPorts?: readonly number[];
  /** Where the dashboard's build is, absolute; it need not be there. */
  readonly dashboardFolder: string;
  /** Where Temporal's UI is, without a slash at the end. */
  readonly temporalUiUrl?: string;
  /** Whether /metrics may be read without the admin key. */
  readonly metricsOpen?: boolean;
  /** Aborted once the process is ending and should get no more requests. */
  readonly ending?: AbortSignal;
}
