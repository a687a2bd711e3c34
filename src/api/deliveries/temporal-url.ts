/** Links to Temporal's UI. */
import type { ApiContext } from '../context.js';
import type { Principal } from '../../http/principal.js';

/** URL of a workflow's page; null without a configured UI, and for accounts, which have no access to it. */
export function temporalUrl(
  { temporalUiUrl, client }: Pick<ApiContext, 'temporalUiUrl' | 'client'>,
  principal: Principal,
  workflowId: string,
  runId?: string,
): string | null {
  if (temporalUiUrl === undefined || principal.role !== 'operator') return null;
  const page = `${temporalUiUrl}/namespaces/${client.options.namespace}/workflows/${workflowId}`;
  return runId === undefined ? page : `${page}/${runId}`;
}
