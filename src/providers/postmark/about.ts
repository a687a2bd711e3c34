/** Postmark's contract in a few sentences; docs/contracts/postmark.md has all of it, with its sources. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary:
    'Events of messages in one stream of a server. An account has the classic contract or that of 2026, by ' +
    'settings.contract; incoming mail keeps the classic one.',
  accepted:
    'Classic: status 200; 403 ends the delivery, everything else is tried again. 2026: status 2xx; 4xx other than ' +
    '408 and 429 ends the delivery.',
  signature: {
    headers: ['Authorization'],
    description: 'Nothing is signed. Give the subscription Basic credentials, or a header with a secret, and compare.',
  },
};
