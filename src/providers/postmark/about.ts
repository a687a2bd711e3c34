/** Summary of Postmark's contract; details and sources are in docs/contracts/postmark.md. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary:
    'Events of messages in one stream of a server. An account has the classic contract or that of 2026, by ' +
    'settings.contract; inbound mail uses the classic contract in both cases.',
  accepted:
    'Classic: status 200; 403 ends the delivery, all other responses are retried. 2026: status 2xx; 4xx other than ' +
    '408 and 429 ends the delivery.',
  signature: {
    headers: ['Authorization'],
    description: 'Not signed. Configure Basic credentials or a secret header in the subscription, and compare.',
  },
};
