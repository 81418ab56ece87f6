/** Finding workflows by a Temporal list filter. */
import type { Client } from '@temporalio/client';

/** The ids that `idOf` reads from the ids of matching workflows; at most `limit`. */
export async function findIds(
  temporal: Client,
  query: string,
  limit: number,
  idOf: (workflowId: string) => string | undefined,
): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId } of temporal.workflow.list({ query, pageSize: Math.min(limit, 1000) })) {
    const id = idOf(workflowId);
    if (id !== undefined) found.push(id);
    if (found.length >= limit) break;
  }
  return found;
}
