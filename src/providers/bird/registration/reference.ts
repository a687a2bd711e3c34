/** Bird's own API for webhook subscriptions, as the API reference shows it (docs/contracts/bird.md). */
import type { RegistrationReference } from '../../registration.js';

const operations = (root: string) => ({
  [`post ${root}`]: 'Create a subscription',
  [`get ${root}`]: 'List the subscriptions',
  [`get ${root}/{id}`]: 'Read a subscription',
  [`patch ${root}/{id}`]: 'Edit a subscription',
  [`delete ${root}/{id}`]: 'Delete a subscription',
  [`get ${root}/{id}/logs`]: 'List the deliveries of the last seven days',
  [`get ${root}/{id}/logs/details`]: 'Read a delivery with its attempts',
});

export const reference: RegistrationReference = {
  title: 'Bird',
  about:
    'Webhook subscriptions of docs.bird.com/api/notifications-api. An account’s key is sent as `Authorization: AccessKey ' +
    '<key>`; docs/contracts/bird.md has every body, response and error.',
  operations: {
    ...operations('/workspaces/{workspaceId}/webhook-subscriptions'),
    ...operations('/organizations/{organizationId}/workspaces/{workspaceId}/webhook-subscriptions'),
  },
};
