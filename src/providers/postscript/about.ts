/** Summary of Postscript's contract; details and sources are in docs/contracts/postscript.md. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary:
    'SMS marketing events of a shop. A subscription receives one event type, and every attempt sends the same bytes.',
  accepted: 'Status 200. All other responses are retried.',
  signature: {
    headers: ['Postscript-Signature'],
    description:
      'The secret token of the shop, or with tokenPer that of the subscription, identical in every request. It is ' +
      'not a signature: compare it with your stored token.',
  },
};
