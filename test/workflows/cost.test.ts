/** What one closing with its survey costs: statements, transactions and history events, counted. */
import { workflowIdOf } from '../../src/contract/ids.js';
import type { RunStatus } from '../../src/contract/reports.js';
import { noSweep } from '../stack/no-sweep.js';
import { Stack } from '../stack/stack.js';
import { statementsDuring } from '../stack/statements.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({
    policy: 'default:\n  survey: { contactCap: null }\n',
    env: noSweep,
  });
});
afterAll(() => stack.end());

/** The statements and the number of events until the survey is sent. */
async function costOf(id: string) {
  await stack.open(id);
  await stack.untilPhase(id, 'open', 1);
  const sent = await statementsDuring(stack, async () => {
    await stack.signal(id, 'cleared');
    await until('the mail', async () => (await stack.mails(id)).length === 1);
    const run = stack.temporal.workflow.getHandle(workflowIdOf(id));
    await until('the survey to be sent', async () => (await run.query<RunStatus>('status')).survey.state === 'sent');
  });
  const { events } = await stack.history(id);
  return { sent, events: events?.length };
}

test('at most 5 statements, of which 3 write, and 17 events until the survey is sent', async () => {
  await stack.ask('WARM-1'); // connections are opened and statements prepared
  const costs = [];
  for (const id of ['COST-1', 'COST-2', 'COST-3']) costs.push(await costOf(id));
  // The least of three: after a pause of the machine, a mail waits for its turn.
  const [{ sent, events } = { sent: [], events: 0 }] = costs.sort((a, b) => a.sent.length - b.sent.length);
  const writes = sent.filter((text) => /insert|update/i.test(text));
  expect([sent, sent.length <= 5, writes.length <= 3]).toEqual([sent, true, true]);
  expect(sent.length).toBeGreaterThan(0);
  expect(events).toBeLessThanOrEqual(17);
});
