/** The client library, `pigeonpost/client`. It runs wherever there is `fetch`. */
export { unwrap, createClient, paginate, type ClientOptions, type PigeonpostClient } from './client.js';
export { ApiError, Unreachable, type Problem } from './errors.js';
export type { components, paths } from './generated.js';
