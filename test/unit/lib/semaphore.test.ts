/** Room for batches: bounded, in turn, and never closed to one that is larger than all of it. */
import { Semaphore } from '../../../src/lib/semaphore';

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('lets in as many as there is room for, the others in the order they came', async () => {
  const room = new Semaphore(10);
  const inside: string[] = [];
  const acquire = (name: string, permits: number) => void room.acquire(permits).then(() => inside.push(name));
  acquire('a', 6);
  acquire('b', 6);
  acquire('c', 1);
  await settle();
  expect(inside).toEqual(['a']);
  room.release(6);
  await settle();
  expect(inside).toEqual(['a', 'b', 'c']);
});

test('one that is larger than the room enters alone', async () => {
  const room = new Semaphore(10);
  const inside: string[] = [];
  const acquire = (name: string, permits: number) => void room.acquire(permits).then(() => inside.push(name));
  acquire('small', 1);
  acquire('huge', 50);
  await settle();
  expect(inside).toEqual(['small']);
  room.release(1);
  await settle();
  acquire('next', 1);
  await settle();
  expect(inside).toEqual(['small', 'huge']);
  room.release(50);
  await settle();
  expect(inside).toEqual(['small', 'huge', 'next']);
});
