/** `/metrics` for Prometheus: requires the metrics key or the admin key, unless it is open. */
import express, { type Express, type RequestHandler, type Router } from 'express';
import type { Logger } from 'pino';
import { exposition, METRICS_CONTENT_TYPE } from '../telemetry/exposition.js';
import { sendErrors, unknownRoute } from '../http/errors.js';
import { probeRoutes, type Readiness } from './health.js';
import { requireOneOf } from '../http/principal.js';
import { SignInFailures } from '../http/sign-in-failures.js';

/** Access to metrics. */
export interface MetricsAccess {
  readonly adminKey: string;
  /** A key that may read metrics and nothing else. */
  readonly metricsKey?: string;
  /** Whether metrics need no key. */
  readonly metricsOpen?: boolean;
}

export function metricsRoutes(
  router: Router,
  { adminKey, metricsKey, metricsOpen = false }: MetricsAccess,
  failures: SignInFailures,
): void {
  const keys = metricsKey === undefined ? [adminKey] : [adminKey, metricsKey];
  const handlers: RequestHandler[] = metricsOpen
    ? []
    : [requireOneOf(keys, 'the metrics key or the admin key', failures)];
  router.get('/metrics', ...handlers, async (_request, response) => {
    response.set('Content-Type', METRICS_CONTENT_TYPE).send(await exposition());
  });
}

/** An application with only metrics and, if given, probes, for processes without the API. */
export function createMetricsApp(access: MetricsAccess, log: Logger, readiness?: () => Promise<Readiness>): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  if (readiness) probeRoutes(app, readiness);
  metricsRoutes(app, access, new SignInFailures(log));
  app.use(unknownRoute);
  app.use(sendErrors(log));
  return app;
}
