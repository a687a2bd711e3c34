/** Postscript's own API for webhook subscriptions, as the API reference shows it (docs/contracts/postscript.md). */
import type { RegistrationReference } from '../../registration.js';

export const reference: RegistrationReference = {
  title: 'Postscript',
  about:
    'Webhook operations of developers.postscript.io/reference. An account’s key is sent as `Authorization: Bearer <key>`; ' +
    'docs/contracts/postscript.md has every body, response and error.',
  operations: {
    'post /api/v2/webhooks': 'Create a subscription',
    'get /api/v2/webhooks': 'List the subscriptions',
    'get /api/v2/webhooks/token': 'Read the token that receivers compare',
    'get /api/v2/webhooks/example': 'Read a body as receivers get it',
    'post /api/v2/webhooks/test': 'Send the example of an event',
    'get /api/v2/webhooks/{id}': 'Read a subscription',
    'patch /api/v2/webhooks/{id}': 'Edit a subscription',
    'delete /api/v2/webhooks/{id}': 'Delete a subscription',
  },
};
