/** Ids of operations, which generated clients use as the names of their functions. */
import { operationId } from '../../../src/http/openapi';

test.each([
  ['get', '/v1/deliveries', 'listDeliveries'],
  ['get', '/v1/deliveries/{id}', 'getDelivery'],
  ['post', '/v1/deliveries/{id}/retry', 'retryDelivery'],
  ['post', '/v1/accounts', 'createAccount'],
  ['post', '/v1/accounts/{id}/keys', 'createAccountKey'],
  ['delete', '/v1/accounts/{id}/keys/{keyId}', 'deleteAccountKey'],
  ['post', '/v1/subscriptions/{id}/rotate-secret', 'rotateSubscriptionSecret'],
  ['put', '/v1/event-types/{name}', 'putEventType'],
  ['get', '/v1/me', 'getMe'],
  ['get', '/openapi.json', 'getOpenapiJson'],
  ['post', '/v1/subscriptions/{id}/policy/apply', 'applySubscriptionPolicy'],
])('%s %s is %s', (method, path, id) => expect(operationId(method, path)).toBe(id));
