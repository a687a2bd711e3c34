/** Room for bursts: bounded, in turn, and never closed to one that is larger than all of it. */
import { Room } from '../../../src/lib/semaphore';

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('lets in as many as there is room for, the others in the order they came', async () => {
  const room = new Room(10);
  const inside: string[] = [];
  const enter = (name: string, places: number) => void room.enter(places).then(() => inside.push(name));
  enter('a', 6);
  enter('b', 6);
  enter('c', 1);
  await settle();
  expect(inside).toEqual(['a']);
  room.leave(6);
  await settle();
  expect(inside).toEqual(['a', 'b', 'c']);
});

test('one that is larger than the room enters alone', async () => {
  const room = new Room(10);
  const inside: string[] = [];
  const enter = (name: string, places: number) => void room.enter(places).then(() => inside.push(name));
  enter('small', 1);
  enter('huge', 50);
  await settle();
  expect(inside).toEqual(['small']);
  room.leave(1);
  await settle();
  enter('next', 1);
  await settle();
  expect(inside).toEqual(['small', 'huge']);
  room.leave(50);
  await settle();
  expect(inside).toEqual(['small', 'huge', 'next']);
});
