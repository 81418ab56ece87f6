/** What one closing with its survey costs: statements, transactions and history events, counted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workflowIdOf } from '../../src/contract/ids.js';
import type { RunStatus } from '../../src/contract/reports.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({
    policy: 'default:\n  survey: { contactCap: null }\n',
    env: { CLOSEOUT_WATCH_SECONDS: '100000' },
  });
});
afterAll(() => stack.end());

/** Every statement that PostgreSQL was sent, since the log was last read. */
function statements(): string[] {
  const log = readFileSync(join(stack.dataDir, 'logs', 'postgres.log'), 'utf8');
  const sent = log.split('begin of the test')[1]?.split('end of the test')[0] ?? '';
  const texts = [...sent.matchAll(/LOG: {2}(?:execute \S+|statement): ([^\n]*)/g)].map(([, text = '']) => text.trim());
  // Twice a second, whatever is closed, workers look for listeners of events. The last statement ends the test.
  return texts.slice(0, -1).filter((text) => !text.includes('from "listeners"'));
}

/** BEGIN and COMMIT are statements, too; whatever is not between them is a transaction of its own. */
function transactionsIn(sent: string[]): number {
  let count = 0;
  let isOpen = false;
  for (const text of sent) {
    if (!isOpen) count++;
    if (/^(begin|start)/i.test(text)) isOpen = true;
    if (/^(commit|rollback)/i.test(text)) isOpen = false;
  }
  return count;
}

test('at most 9 statements in 3 transactions, and 30 events until the survey is sent', async () => {
  const id = await stack.open('COST-1');
  await stack.untilPhase(id, 'open', 1);
  await stack.ask('WARM-1'); // connections are opened and statements prepared
  await stack.sql("alter system set log_statement = 'all'");
  await stack.sql("select pg_reload_conf(), 'reload'");
  await until('the log', async () => {
    await stack.sql("select 'begin of the test'");
    const log = readFileSync(join(stack.dataDir, 'logs', 'postgres.log'), 'utf8');
    return log.includes('begin of the test');
  });
  await stack.signal(id, 'cleared');
  await until('the mail', async () => (await stack.mails(id)).length === 1);
  const run = stack.temporal.workflow.getHandle(workflowIdOf(id));
  await until('the survey to be sent', async () => (await run.query<RunStatus>('status')).survey.state === 'sent');
  await stack.sql("select 'end of the test'");
  const sent = statements();
  expect([sent, sent.length <= 9, transactionsIn(sent) <= 3]).toEqual([sent, true, true]);
  const { events } = await stack.history(id);
  expect(events?.length).toBeLessThanOrEqual(30);
});
