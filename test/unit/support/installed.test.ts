import { findBrowser } from '../../support/browser.js';
import { orSkip } from '../../support/installed.js';

const runner = Object.assign(() => 'runs', { skip: () => 'skips' });

/** What becomes of tests that need a program, with this value of CI. */
function outcome(program: string | undefined, ci: string | undefined): unknown {
  const former = process.env.CI;
  const warn = jest.spyOn(console, 'warn').mockImplementation();
  if (ci === undefined) delete process.env.CI;
  else process.env.CI = ci;
  try {
    return orSkip(runner, program, 'install it')();
  } finally {
    warn.mockRestore();
    if (former === undefined) delete process.env.CI;
    else process.env.CI = former;
  }
}

test('runs tests when the program is installed', () => {
  expect([outcome('/usr/bin/it', undefined), outcome('/usr/bin/it', 'true')]).toEqual(['runs', 'runs']);
});

test('skips tests when the program is missing on a machine of someone', () => {
  expect(outcome(undefined, undefined)).toBe('skips');
});

test('fails tests when the program is missing where CI is true', () => {
  expect(() => outcome(undefined, 'true')).toThrow('install it');
});

test('finds no browser when there is none on the path, and refuses one that is named and not there', () => {
  expect(findBrowser({ PATH: '/nowhere' })).toBeUndefined();
  expect(() => findBrowser({ PIGEONPOST_TEST_CHROMIUM: '/nowhere' })).toThrow('there is no /nowhere');
});
