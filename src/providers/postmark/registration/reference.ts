/** Postmark's own webhooks API, as the API reference shows it (docs/contracts/postmark.md). */
import type { RegistrationReference } from '../../registration.js';

export const reference: RegistrationReference = {
  title: 'Postmark',
  about:
    'The webhooks API of postmarkapp.com/developer. An account’s key is sent as `X-Postmark-Server-Token`; ' +
    'docs/contracts/postmark.md has every body, response and error.',
  operations: {
    'get /webhooks': 'List the webhooks',
    'post /webhooks': 'Create a webhook',
    'get /webhooks/{id}': 'Read a webhook',
    'put /webhooks/{id}': 'Edit a webhook',
    'delete /webhooks/{id}': 'Delete a webhook',
    'post /webhooks/{id}/verify': 'Check the receiver of a webhook (2026)',
    'get /webhooks/{id}/statistics': 'Read the figures of a webhook (2026)',
  },
};
