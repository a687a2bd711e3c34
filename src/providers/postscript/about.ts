/** Postscript's contract in a few sentences; docs/contracts/postscript.md has all of it, with its sources. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary:
    'SMS marketing events of a shop. A subscription takes one event type, and every attempt sends the same bytes.',
  accepted: 'Status 200. Everything else is tried again.',
  signature: {
    headers: ['Postscript-Signature'],
    description:
      'The secret token of the shop as it is, or with tokenPer that of the subscription, the same in every request. It ' +
      'signs nothing: compare it with yours.',
  },
};
