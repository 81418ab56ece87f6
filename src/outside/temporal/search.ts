/** Lists of workflows. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { callTemporal } from './calls.js';

/** Each page has a deadline of its own, because a list may be long. Throws `TemporalUnavailable`. */
export async function* listWorkflows(
  temporal: Client,
  query: string,
  pageSize = 1000,
  deadline?: number,
): AsyncGenerator<WorkflowExecutionInfo> {
  const found = temporal.workflow.list({ query, pageSize })[Symbol.asyncIterator]();
  for (;;) {
    const next = await callTemporal(temporal, () => found.next(), deadline);
    if (next.done) return;
    yield next.value;
  }
}

export async function findIds(
  temporal: Client,
  query: string,
  limit: number,
  idOf: (workflowId: string) => string | undefined,
  deadline?: number,
): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId } of listWorkflows(temporal, query, Math.min(limit, 1000), deadline)) {
    const id = idOf(workflowId);
    if (id !== undefined) found.push(id);
    if (found.length >= limit) break;
  }
  return found;
}
