// A process loads its files itself, without Jest. jest.config.js replaces the compiled file by this one.
require('./typescript.cjs');
require('../../src/dispatch/payload/transformation-process.ts');
