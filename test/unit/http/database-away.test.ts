import pino from 'pino';
import { explain } from '../../../src/http/errors.js';

const response = () => {
  const headers = new Map<string, string>();
  return {
    headers,
    req: { method: 'POST', path: '/' },
    locals: {},
    set: (name: string, value: string) => headers.set(name, value),
  };
};

// What pg throws for a connection that broke before the statement (lib/client.js), besides the errors with a code;
// and for a statement that had no response in time.
test.each([
  'Connection terminated unexpectedly',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'timeout exceeded when trying to connect',
  'Query read timeout',
])('%s: the database is unavailable', (message) => {
  const asked = response();
  expect(explain(new Error(message), asked as never, pino({ level: 'silent' })).status).toBe(503);
  expect(asked.headers.get('Retry-After')).toBe('5');
});
