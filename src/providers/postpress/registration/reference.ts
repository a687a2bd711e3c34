/** postpress' own API for webhooks, as the API reference shows it (docs/contracts/postpress.md). */
import type { RegistrationReference } from '../../registration.js';

const operations = (root: string) => ({
  [`post ${root}`]: 'Create a webhook',
  [`get ${root}`]: 'List the webhooks',
  [`delete ${root}/{id}`]: 'Delete a webhook',
});

export const reference: RegistrationReference = {
  title: 'postpress',
  about:
    'Webhook operations of api.postpress.io/docs. An account’s key is sent as `X-API-KEY`; docs/contracts/postpress.md has ' +
    'every body, response and error.',
  operations: { ...operations('/api/v1/webhooks'), ...operations('/v1/webhooks') },
};
