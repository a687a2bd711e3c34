// Writes the types of the client again from the API's OpenAPI document: the test that compares them knows how.
process.env.UPDATE_CLIENT = '1';
process.argv.push('test/integration/client/generated');
await import('./test.mjs');
