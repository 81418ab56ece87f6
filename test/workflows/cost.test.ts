/** What one closing with its survey costs: statements, transactions and history events, counted. */
import { workflowIdOf } from '../../src/contract/ids.js';
import type { RunStatus } from '../../src/contract/reports.js';
import { Stack } from '../stack/stack.js';
import { statementsDuring } from '../stack/statements.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({
    policy: 'default:\n  survey: { contactCap: null }\n',
    env: { CLOSEOUT_WATCH_SECONDS: '100000' },
  });
});
afterAll(() => stack.end());

test('at most 5 statements, of which 3 write, and 17 events until the survey is sent', async () => {
  const id = await stack.open('COST-1');
  await stack.untilPhase(id, 'open', 1);
  await stack.ask('WARM-1'); // connections are opened and statements prepared
  const sent = await statementsDuring(stack, async () => {
    await stack.signal(id, 'cleared');
    await until('the mail', async () => (await stack.mails(id)).length === 1);
    const run = stack.temporal.workflow.getHandle(workflowIdOf(id));
    await until('the survey to be sent', async () => (await run.query<RunStatus>('status')).survey.state === 'sent');
  });
  const writes = sent.filter((text) => /insert|update/i.test(text));
  expect([sent, sent.length <= 5, writes.length <= 3]).toEqual([sent, true, true]);
  const { events } = await stack.history(id);
  expect(events?.length).toBeLessThanOrEqual(17);
});
