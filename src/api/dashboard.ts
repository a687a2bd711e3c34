/** Serves the dashboard: the files of its build, and its page for all other paths that a browser requests. */
import express, { Router, type NextFunction, type Request, type Response } from 'express';
import { join } from 'node:path';
import { pageHeaders } from '../http/page-headers.js';
import { errorCode } from '../lib/errors.js';

/** All resources come from this server, and no inline code is allowed. */
const HEADERS = {
  ...pageHeaders(["script-src 'self'", "style-src 'self'", "img-src 'self'", "font-src 'self'", "connect-src 'self'"]),
  'Cross-Origin-Opener-Policy': 'same-origin',
};

const NOT_BUILT = 'The dashboard is not built. Run npm run build and load this page again.\n';

/** Serves the build in a folder. Must come after all routes of the API and of the providers. */
export function dashboardRoutes(folder: string): Router {
  const router = Router();
  const files = { index: false as const, redirect: false, cacheControl: false };
  router.use(
    '/assets',
    express.static(join(folder, 'assets'), {
      ...files,
      // Their names contain a hash of their content.
      setHeaders: (response) => setHeaders(response, { 'Cache-Control': 'public, max-age=31536000, immutable' }),
    }),
  );
  router.use(express.static(folder, { ...files, setHeaders: (response) => setHeaders(response) }));
  router.get('/{*path}', (request, response, next) => {
    if (!isPageRequest(request)) return next();
    setHeaders(response);
    response.sendFile('index.html', { root: folder, cacheControl: false }, unlessBuilt(response, next));
  });
  return router;
}

/** What to do when a file of the build was not sent: a text that says so if it is not there. */
export function unlessBuilt(response: Response, next: NextFunction): (error?: Error) => void {
  return (error) => {
    if (error === undefined) return;
    if (response.headersSent || errorCode(error) !== 'ENOENT') return next(error);
    response.status(404).type('text/plain').set('Cache-Control', 'no-cache').send(NOT_BUILT);
  };
}

function setHeaders(response: Pick<Response, 'setHeader'>, own: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries({ ...HEADERS, ...own })) response.setHeader(name, value);
}

/** Whether a browser requests a page: programs do not accept HTML, and file names contain a dot. */
function isPageRequest({ path, headers }: Request): boolean {
  return /\btext\/html\b/i.test(headers.accept ?? '') && !path.includes('.') && path !== '/metrics';
}
