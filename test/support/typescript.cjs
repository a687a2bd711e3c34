// Preloaded with `node --require`: lets a process of its own run TypeScript, as Jest does inside its own.
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

const source = join(__dirname, '../../src');
const options = {
  jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  module: { type: 'commonjs', ignoreDynamic: false },
  sourceMaps: 'inline',
};
Module._extensions['.ts'] = (module, filename) => {
  module._compile(transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);
};

// Sources import each other with the .js suffix that they have once they are compiled.
const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...rest) {
  const path = request.startsWith('#src/') ? join(source, request.slice('#src/'.length)) : request;
  const isSource = /^(\.{1,2}|)\/.*\.js$/.test(path) && parent?.filename?.endsWith('.ts');
  return resolve.call(this, isSource ? path.replace(/\.js$/, '.ts') : path, parent, ...rest);
};
