/** Dependencies of the API's routes. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Mailer } from '../dispatch/alerts/mail.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import type { EventWriter } from '../dispatch/event-writer.js';
import type { AddressGuard } from '../egress/address.js';
import type { Store } from '../store/store.js';
import type { WriteHealth } from '../store/write-health.js';
import type { AccountIds } from './accounts/external-ids.js';
import type { UnknownEventTypes } from '../config/defaults.js';
import type { PortalConfig } from '../config/portal.js';
import type { DeliveryFeed } from './deliveries/feed.js';
import type { EventTypeCatalogue } from './event-types/catalogue.js';
import type { Audit } from '../http/audit.js';
import type { SignIn } from '../http/sign-in.js';
import type { SearchTurns } from './search/turns.js';

export interface ApiContext {
  readonly store: Store;
  readonly client: Client;
  readonly dispatcher: Dispatcher;
  readonly eventWriter: EventWriter;
  readonly accountIds: AccountIds;
  readonly writes: WriteHealth;
  readonly searchTurns: SearchTurns;
  readonly feed: DeliveryFeed;
  readonly eventTypes: EventTypeCatalogue;
  /** What happens to event types that are not defined, once at least one is. */
  readonly unknownEventTypes: UnknownEventTypes;
  /** Whether anyone may read the defined event types. */
  readonly publicCatalogue: boolean;
  readonly log: Logger;
  readonly adminKey: string;
  readonly signIn: SignIn;
  readonly audit: Audit;
  /** Hours until a session of the dashboard ends. */
  readonly sessionHours: number;
  /** Where customers reach the API, without a slash at the end; at the address of each request when absent. */
  readonly publicUrl?: string;
  readonly portal: PortalConfig;
  /** Maximum body of a request with events, in bytes. */
  readonly maxBodyBytes: number;
  /** Maximum subscriptions of an account without its own limit. */
  readonly maxSubscriptions: number;
  /** Whether receivers may have http URLs. */
  readonly allowHttp: boolean;
  /** Whether requests may be sent to an address. */
  readonly allowsAddress: AddressGuard;
  /** Allowed ports of receivers; any when absent. */
  readonly allowPorts?: readonly number[];
  /** Absolute path of the dashboard's build; may not exist. */
  readonly dashboardFolder: string;
  /** URL of Temporal's UI, without a trailing slash. */
  readonly temporalUiUrl?: string;
  /** A key that may read /metrics and nothing else. */
  readonly metricsKey?: string;
  /** Whether /metrics may be read without a key. */
  readonly metricsOpen?: boolean;
  /** Sends mails; absent when no mail server is set. */
  readonly mailer?: Mailer;
  /** Aborted when the process shuts down and should get no more requests. */
  readonly ending?: AbortSignal;
}
