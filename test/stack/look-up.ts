import { workflowIdOf } from '../../src/contract/ids.js';
import type { Stack } from './stack.js';
import { until } from './waiting.js';

/** Makes the run of a new report read its ledger: whatever another program does to the report afterwards is a surprise to it. */
export async function lookUp(stack: Stack, id: string): Promise<void> {
  const run = stack.temporal.workflow.getHandle(workflowIdOf(id));
  await run.signal('lookAgain');
  await until(`${id} to be looked up`, async () => {
    const { events } = await run.fetchHistory();
    return events?.some(({ activityTaskCompletedEventAttributes: completed }) => completed);
  });
}
