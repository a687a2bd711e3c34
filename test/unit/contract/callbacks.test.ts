import { receiversFor } from '../../../src/contract/callbacks.js';

const subscription = { onDelivered: 'sub_1', onExhausted: 'sub_2' };

test.each([
  ['nothing is said', undefined, undefined, undefined],
  ['the subscription says it', undefined, subscription, subscription],
  ['the event says it', { onExhausted: 'sub_3' }, undefined, { onExhausted: 'sub_3' }],
  ['both do', { onExhausted: 'sub_3' }, subscription, { onDelivered: 'sub_1', onExhausted: 'sub_3' }],
  ['the event wants one less', { onDelivered: null }, subscription, { onExhausted: 'sub_2' }],
  ['the event wants none', { onDelivered: null, onExhausted: null }, subscription, undefined],
])('the receivers when %s', (_case, ofEvent, ofSubscription, receivers) => {
  expect(receiversFor('invoice.paid', ofEvent, ofSubscription)).toEqual(receivers);
});

test.each(['pigeonpost.delivery.delivered', 'pigeonpost.delivery.exhausted'])('%s has no callbacks itself', (type) => {
  expect(receiversFor(type, { onDelivered: 'sub_3' }, subscription)).toBeUndefined();
});
