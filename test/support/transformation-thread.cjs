// A thread loads its files itself, without Jest. jest.config.js replaces the compiled thread by this file.
require('./typescript.cjs');
require('../../src/dispatch/payload/transformation-thread.ts');
