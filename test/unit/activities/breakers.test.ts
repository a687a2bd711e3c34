/** What a delivery may do while the circuit breaker of its subscription is open. */
import { Breakers } from '../../../src/activities/breakers.js';
import type { OpenBreaker } from '../../../src/contract/breaker.js';
import type { AttemptMaterial } from '../../../src/store/attempts/attempts.js';
import type { Store } from '../../../src/store/store.js';
import { FailureType } from '../../../src/workflows/failure.js';

const store = {
  get pool(): never {
    throw new Error('the trial is known without the database');
  },
} as Partial<Store> as Store;
const breakers = new Breakers({ store, wake: async () => undefined, onError: () => undefined });

/** The delivery that is the trial of an open breaker, and has had so many attempts. */
function inTrial(attempts: number): AttemptMaterial {
  const breaker: Partial<OpenBreaker> = { kind: 'open', trial: [{ id: 'dlv_1', attempts: 2 }] };
  return { subscription: { breaker }, delivery: { id: 'dlv_1' }, attempts } as unknown as AttemptMaterial;
}

test('a delivery of a trial makes one attempt in it, although its schedule has the next one before the trial ends', async () => {
  await breakers.admit(inTrial(2), false, 0);
  await expect(breakers.admit(inTrial(3), false, 1)).rejects.toMatchObject({ type: FailureType.paused });
});

test('a delivery of a trial may make more attempts by hand', async () => {
  await breakers.admit(inTrial(3), true, 0);
});
