/** Names for the shapes of the API's responses. */
import type { components, paths } from '../../../src/client/generated.js';

type Schemas = components['schemas'];
type Response<
  Path extends keyof paths,
  Method extends keyof paths[Path],
  Status extends number = 200,
> = paths[Path] extends {
  [key in Method]: { responses: { [status in Status]: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Me = Response<'/v1/me', 'get'>;
export type ApiKey = Schemas['ApiKey'];
export type AuditEntry = Schemas['AuditEntry'];
export type Alert = Schemas['Alert'];
export type AlertRule = Schemas['AlertRule'];
export type Account = Schemas['Account'];
export type AccountDetail = Response<'/v1/accounts/{id}', 'get'>;
export type Subscription = Schemas['Subscription'];
export type Delivery = Schemas['Delivery'];
export type DeliveryState = Delivery['state'];
export type DeliveryDetail = Response<'/v1/deliveries/{id}', 'get'>;
export type DeliveryPage = Response<'/v1/deliveries', 'get'>;
export type Attempt = Schemas['Attempt'];
export type Overview = Response<'/v1/overview', 'get'>;
export type Job = Schemas['Job'];
export type Attention = Schemas['Attention'];
export type Recovery = Schemas['Recovery'];
export type RecoveryCount = Schemas['RecoveryCount'];
export type Contract = Response<'/v1/contracts', 'get'>['data'][number];
export type EventType = Schemas['EventType'];
export type SentRequest = Response<'/v1/deliveries/{id}/request', 'get'>;
export type ListedEvent = Schemas['ListedEvent'];
export type ListedSubscription = Response<'/v1/subscriptions', 'get'>['data'][number];
export type SearchResults = Schemas['SearchResults'];
export type EventDetail = Response<'/v1/events/{id}', 'get'>;
