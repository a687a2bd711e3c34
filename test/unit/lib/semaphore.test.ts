/** Permits of a semaphore. */
import { Semaphore } from '../../../src/lib/semaphore.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('grants free permits at once, and others in the order of the requests', async () => {
  const semaphore = new Semaphore(10);
  const granted: string[] = [];
  const acquire = (name: string, permits: number) => void semaphore.acquire(permits).then(() => granted.push(name));
  acquire('a', 6);
  acquire('b', 6);
  acquire('c', 1);
  await settle();
  expect(granted).toEqual(['a']);
  semaphore.release(6);
  await settle();
  expect(granted).toEqual(['a', 'b', 'c']);
});

test('grants a request for more permits than exist when no permit is held', async () => {
  const semaphore = new Semaphore(10);
  const granted: string[] = [];
  const acquire = (name: string, permits: number) => void semaphore.acquire(permits).then(() => granted.push(name));
  acquire('small', 1);
  acquire('huge', 50);
  await settle();
  expect(granted).toEqual(['small']);
  semaphore.release(1);
  await settle();
  acquire('next', 1);
  await settle();
  expect(granted).toEqual(['small', 'huge']);
  semaphore.release(50);
  await settle();
  expect(granted).toEqual(['small', 'huge', 'next']);
});
