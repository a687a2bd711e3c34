/** The rotation over accounts and subscriptions. */
import * as fc from 'fast-check';
import type { Priority } from '../../../src/contract/timing.js';
import { FairQueue } from '../../../src/dispatch/fair-queue.js';
import type { StoredAccount } from '../../../src/store/accounts/accounts.js';
import type { DeliveryStart } from '../../../src/store/deliveries/delivery-starts.js';

function waiting(accountId: string, subscriptionId: string, number: number, dispatchWeight = 1): DeliveryStart {
  const account = { id: accountId, dispatchWeight } as StoredAccount;
  const deliveryId = `${accountId}/${subscriptionId}/${number}`;
  return { deliveryId, run: 0, account, subscriptionId, eventType: 'user.created', url: 'https://example.com' };
}

function listOf(
  ...queues: [account: string, subscription: string, count: number, weight?: number][]
): FairQueue<DeliveryStart> {
  const list = new FairQueue<DeliveryStart>();
  for (const [account, subscription, count, weight] of queues) {
    for (let number = 1; number <= count; number += 1) list.add(waiting(account, subscription, number, weight));
  }
  return list;
}

const take = (list: FairQueue<DeliveryStart>, count: number) => list.take(count).map(({ deliveryId }) => deliveryId);

test('takes the deliveries of one subscription in their order', () => {
  const list = listOf(['a', 's', 5]);
  expect(take(list, 3)).toEqual(['a/s/1', 'a/s/2', 'a/s/3']);
  expect(list.size).toBe(2);
  expect(take(list, 9)).toEqual(['a/s/4', 'a/s/5']);
  expect(take(list, 1)).toEqual([]);
});

test('does not let an account with few deliveries wait for one with many', () => {
  const list = listOf(['big', 's', 1_000], ['small', 's', 2]);
  expect(take(list, 4)).toEqual(['big/s/1', 'small/s/1', 'big/s/2', 'small/s/2']);
});

test('does not let a subscription with few deliveries wait for another one of its account', () => {
  const list = listOf(['a', 'big', 1_000], ['a', 'small', 1], ['b', 's', 1]);
  expect(take(list, 4)).toEqual(['a/big/1', 'b/s/1', 'a/small/1', 'a/big/2']);
});

test('takes as many deliveries of an account at a time as its weight', () => {
  const list = listOf(['heavy', 's', 10, 3], ['light', 's', 10]);
  expect(take(list, 8).map((id) => id[0])).toEqual(['h', 'h', 'h', 'l', 'h', 'h', 'h', 'l']);
});

test('puts a new account after those that wait', () => {
  const list = listOf(['a', 's', 3], ['b', 's', 3]);
  take(list, 1);
  list.add(waiting('c', 's', 1));
  expect(take(list, 3)).toEqual(['b/s/1', 'a/s/2', 'c/s/1']);
});

test('takes every delivery once, in the order of its subscription', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const steps = fc.array(fc.oneof(fc.tuple(name, name, fc.integer({ min: 1, max: 3 })), fc.nat(5)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (moves) => {
      const list = new FairQueue<DeliveryStart>();
      const added = new Map<string, number>();
      const taken: string[] = [];
      for (const move of moves) {
        if (typeof move === 'number') taken.push(...take(list, move));
        else {
          const [account, subscription, weight] = move;
          const number = (added.get(account + subscription) ?? 0) + 1;
          added.set(account + subscription, number);
          list.add(waiting(account, subscription, number, weight));
        }
      }
      taken.push(...take(list, list.size));
      expect(list.size).toBe(0);
      for (const [queue, count] of added) {
        const [account, subscription] = [...queue] as [string, string];
        const own = taken.filter((id) => id.startsWith(`${account}/${subscription}/`));
        expect(own).toEqual(Array.from({ length: count }, (_, index) => `${account}/${subscription}/${index + 1}`));
      }
    }),
  );
});

/** Adds deliveries with priorities. */
function prioritised(
  ...items: [account: string, priority: Priority | undefined, number: number][]
): FairQueue<DeliveryStart> {
  const list = new FairQueue<DeliveryStart>();
  for (const [account, priority, number] of items) list.add({ ...waiting(account, 's', number), priority });
  return list;
}

test('takes the high priority of an account first, and the low last', () => {
  const list = prioritised(['a', 'low', 1], ['a', undefined, 2], ['a', 'high', 3], ['a', 'normal', 4]);
  expect(take(list, 9)).toEqual(['a/s/3', 'a/s/2', 'a/s/4', 'a/s/1']);
});

test('the accounts take the same turns whatever their priorities are', () => {
  const item = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom<Priority>('high', 'normal', 'low'));
  fc.assert(
    fc.property(fc.array(item, { maxLength: 60 }), (items) => {
      const accountsOf = (list: FairQueue<DeliveryStart>) => list.take(items.length).map(({ account }) => account.id);
      const withPriorities = prioritised(
        ...items.map(([account, priority], n): [string, Priority, number] => [account, priority, n]),
      );
      const without = prioritised(...items.map(([account], n): [string, undefined, number] => [account, undefined, n]));
      expect(accountsOf(withPriorities)).toEqual(accountsOf(without));
    }),
  );
});
