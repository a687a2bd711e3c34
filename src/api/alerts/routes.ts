import type { EgressClient } from '../../egress/types.js';
import type { Routing } from '../../http/route.js';
import type { ApiContext } from '../context.js';
import { alertListRoutes } from './alerts.js';
import { alertRuleRoutes } from './rules.js';
import { alertTestRoutes } from './test-rule.js';

/** Everything about alerts to people. */
export function alertRoutes(routing: Routing, context: ApiContext & { readonly egress: EgressClient }): void {
  alertRuleRoutes(routing, context);
  alertTestRoutes(routing, context);
  alertListRoutes(routing, context);
}
