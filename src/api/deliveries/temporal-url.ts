/** Where a workflow is seen in Temporal's UI. */
import type { ApiContext } from '../context.js';
import type { Principal } from '../../http/principal.js';

/** The page of a workflow; null where the UI is not told of, and for accounts, whose place it is not. */
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
