import { tooOld } from '../../../src/cli/node-version.js';

test.each(['20.19.0', '20.20.2', '22.0.0', '24.21.0'])('runs on Node.js %s', (version) => {
  expect(tooOld(version)).toBeUndefined();
});

test.each(['16.20.2', '18.20.8', '20.18.3'])('says that Node.js %s is too old', (version) => {
  expect(tooOld(version)).toBe(`Pigeonpost needs Node.js >=22; this is ${version}.`);
});
