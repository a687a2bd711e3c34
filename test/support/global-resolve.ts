import Module from 'node:module';

/**
 * Sources import each other with the .js suffix. Jest's resolver maps it in tests, but the global set-up is resolved by Node,
 * which needs this hook to find the TypeScript file.
 */
type Resolve = (
  this: unknown,
  request: string,
  parent: { filename?: string } | undefined,
  ...rest: unknown[]
) => string;

const loader = Module as unknown as { _resolveFilename: Resolve };
const resolve = loader._resolveFilename;

loader._resolveFilename = function (request, parent, ...rest) {
  const isSource = /^\.{1,2}\/.*\.js$/.test(request) && parent?.filename?.endsWith('.ts') === true;
  return resolve.call(this, isSource ? request.slice(0, -'.js'.length) : request, parent, ...rest);
};
