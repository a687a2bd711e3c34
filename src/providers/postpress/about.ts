/** The contract of postpress.ai in a few sentences; docs/contracts/postpress.md has all of it, with its sources. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary: 'Events of connected accounts of LinkedIn, WhatsApp, mail and others. A subscription takes one source.',
  accepted: 'Status 200. Everything else is tried again.',
  signature: {
    headers: [],
    description: 'Nothing is signed. Give the subscription a header with a secret and compare its value.',
  },
};
