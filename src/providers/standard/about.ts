/** Summary of the Standard Webhooks contract; details and sources are in docs/contracts/standard.md. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary: 'The specification Standard Webhooks 1.0.0, for a platform without a contract of its own. Any event type.',
  accepted:
    'Status 2xx. 410 ends the delivery and disables the subscription; all other responses are retried, after ' +
    'Retry-After where a receiver asks to slow down.',
  signature: {
    headers: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    description:
      'v1 and the base64 of an HMAC-SHA256, or v1a and that of an ed25519 signature, over id, timestamp and body, joined ' +
      'by full stops. The key is the part after whsec_ or whpk_, decoded. Each attempt has a new timestamp and signature.',
  },
};
