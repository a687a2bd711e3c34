/** Summary of the contract of postpress.ai; details and sources are in docs/contracts/postpress.md. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary: 'Events of connected accounts of LinkedIn, WhatsApp, mail and others. A subscription receives one source.',
  accepted: 'Status 200. All other responses are retried.',
  signature: {
    headers: [],
    description: 'Not signed. Configure a secret header in the subscription and compare its value.',
  },
};
