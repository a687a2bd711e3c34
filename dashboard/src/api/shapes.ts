/** Names for the shapes of the API's answers. */
import type { components, paths } from '../../../src/client/generated.js';

type Schemas = components['schemas'];
type Answer<
  Path extends keyof paths,
  Method extends keyof paths[Path],
  Status extends number = 200,
> = paths[Path] extends {
  [key in Method]: { responses: { [status in Status]: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Me = Answer<'/v1/me', 'get'>;
export type Account = Schemas['Account'];
export type AccountDetail = Answer<'/v1/accounts/{id}', 'get'>;
export type Subscription = Schemas['Subscription'];
export type Delivery = Schemas['Delivery'];
export type DeliveryState = Delivery['state'];
export type DeliveryDetail = Answer<'/v1/deliveries/{id}', 'get'>;
export type DeliveryPage = Answer<'/v1/deliveries', 'get'>;
export type Attempt = Schemas['Attempt'];
export type Overview = Answer<'/v1/overview', 'get'>;
export type Recovery = Schemas['Recovery'];
export type RecoveryCount = Schemas['RecoveryCount'];
export type Contract = Answer<'/v1/contracts', 'get'>['data'][number];
export type SentRequest = Answer<'/v1/deliveries/{id}/request', 'get'>;
