/** Example payloads with the key order of the documented samples and our own values. */
const messageId = '6f4c1b1e-3a5d-4d0b-9a52-0f6f4f4b7a11';
const channelId = 'b6c5a1f0-8a53-4c63-9d8c-2a1f6d4e7b22';
const workspace = {
  organizationId: '823fbfaf-f14e-4693-b55a-8ec1c17d649e',
  workspaceId: 'a1405560-c8d3-4b1a-877d-3f449ad95352',
};
const created = '2026-03-02T10:11:12.345Z';
const updated = '2026-03-02T10:11:14.345Z';

const connector = { id: 'c9d2f3a4-5b6c-4d7e-8f90-1a2b3c4d5e33', identifierValue: '+15555550100' };
const contact = {
  id: 'c7d9e0f1-2a3b-4c5d-8e6f-7a8b9c0d1e44',
  identifierKey: 'phonenumber',
  identifierValue: '+15555550101',
};

export const inboundExample = {
  id: messageId,
  channelId,
  sender: { contact: { ...contact, annotations: { name: 'Kim' } } },
  receiver: { connector },
  body: { type: 'text', text: { text: 'Hello' } },
  meta: { extraInformation: { timestamp: '1772446272' } },
  reference: '',
  parts: [{ platformReference: 'wamid.X' }],
  status: 'delivered',
  reason: '',
  direction: 'incoming' as const,
  chargeableUnits: 1,
  lastStatusAt: created,
  createdAt: created,
  updatedAt: created,
  batchId: null,
};

export const outboundExample = {
  id: messageId,
  channelId,
  sender: { connector },
  receiver: { contacts: [contact] },
  body: { type: 'text', text: { text: 'Hello' } },
  reference: 'order-4711',
  parts: [{ platformReference: 'SM1' }],
  status: 'delivered',
  reason: '',
  direction: 'outgoing' as const,
  chargeableUnits: 1,
  lastStatusAt: updated,
  createdAt: created,
  updatedAt: updated,
  batchId: null,
};

export const interactionExample = {
  id: '0c1f2e3d-4b5a-4968-8776-655443322155',
  messageId,
  channelId,
  platformId: 'email-messagebird',
  type: 'opened',
  receiver: { contacts: [{ identifierKey: 'emailaddress', identifierValue: 'kim@example.com' }] },
  details: 'initial_open',
  metadata: { link: '' },
  createdAt: created,
};

export const channelExample = { id: channelId, platformId: 'email-messagebird', status: 'active' };

export const callExample = { id: messageId, channelId, status: 'completed' };

const kim = {
  id: '7dadb14e-91bb-4eb7-8b9e-7827dd74bf66',
  type: 'contact',
  status: 'active',
  displayName: 'Kim',
  avatarUrl: '',
  contact: {
    identifierKey: 'phonenumber',
    identifierValue: '+15555550101',
    platformAddress: '+15555550101',
  },
};

export const conversationExample = {
  id: 'badbf15c-bad3-4bf3-9223-6b7f414f9777',
  name: '',
  description: '',
  status: 'active',
  visibility: 'private',
  accessibility: 'invite-only',
  featuredParticipants: [kim],
  activeParticipantCount: 1,
  pendingParticipantCount: 0,
  initiatingParticipant: kim,
  channelId,
  lastMessage: { id: messageId, type: 'text', preview: { text: 'Hello' }, status: 'delivered', createdAt: created },
  createdAt: created,
  updatedAt: updated,
  platformStyle: 'direct',
};

export const endpointExample = {
  type: 'toll-free',
  issues: '',
  capabilities: [{ name: 'sms', status: 'active', issues: '' }],
};

export const brandExample = {
  id: 'd1e2f3a4-b5c6-4d7e-8f90-a1b2c3d4e588',
  organizationId: workspace.organizationId,
  workspaceId: [workspace.workspaceId],
  status: 'PENDING',
  entityType: 'PRIVATE_PROFIT',
  firstName: 'Kim',
  lastName: 'Example',
  displayName: 'Example brand',
  companyName: 'Example company',
  country: 'US',
  createdAt: created,
  updatedAt: created,
};

export const registrationExample = { id: 'e2f3a4b5-c6d7-4e8f-90a1-b2c3d4e5f699', status: 'PENDING' };

export const verificationExample = {
  id: 'f3a4b5c6-d7e8-4f90-a1b2-c3d4e5f60700',
  ...workspace,
  phoneNumbers: ['+18005550100'],
  verificationRequestId: 'VR-1',
  status: 'rejected',
  statusMessage: {
    statusCode: '1101',
    declineReasonDescription: 'Invalid documentation',
    resubmitAllowed: 'true' as const,
    message: 'Please send valid documentation',
  },
  testMode: false,
  createdAt: created,
  updatedAt: updated,
};
