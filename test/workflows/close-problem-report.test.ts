import { workflowIdOf } from '../../src/contract/ids.js';
import { lookUp } from '../stack/look-up.js';
import { noSweep } from '../stack/no-sweep.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ env: noSweep }); // a sweep would end what tests make look cancelled
});
afterAll(() => stack.end());

const eventTypes = async (id: string) =>
  (await stack.history(id)).events?.map(({ eventType }) => String(eventType)) ?? [];
const count = async (id: string, type: string) => JSON.stringify(await stack.history(id)).split(`"${type}"`).length - 1;

describe('a report that is cleared', () => {
  test('is closed, and its customer is asked once, on a signal without payload', async () => {
    const id = await stack.open('BARE-1');
    await stack.signal(id, 'cleared');
    const status = await stack.untilSurvey(id, 'sent');
    expect(status).toMatchObject({ reportId: id, phase: 'surveying', cycle: 1, survey: { state: 'sent' } });
    expect((await stack.client.get(id)).status).toBe('closed');
    expect(await stack.mails(id)).toHaveLength(1);
  });

  test('twice is closed once and asked once', async () => {
    const id = await stack.open('TWICE-1');
    await stack.signal(id, 'cleared', { at: '2026-01-02T03:04:05Z', by: 'noc' });
    await stack.untilSurvey(id, 'sent');
    await stack.signal(id, 'cleared');
    await stack.signal(id, 'cleared', { at: '2026-01-02T03:04:05Z', by: 'noc' });
    expect(await stack.client.status(id)).toMatchObject({ phase: 'surveying', cycle: 1 });
    expect(await count(id, 'core_local_activity')).toBe(2); // the closing and the mail
    expect(await stack.mails(id)).toHaveLength(1);
  });

  test('before it has a run is closed by the run that the signal starts', async () => {
    const id = await stack.open('NORUN-1');
    const handle = stack.temporal.workflow.getHandle(workflowIdOf(id));
    await handle.terminate('as if it had never been started');
    await stack.startWithCli('signal-with-start', id, '--signal-name', 'cleared');
    await stack.untilSurvey(id, 'sent');
    expect(await stack.mails(id)).toHaveLength(1);
  });

  test('after it is closed and done starts a run that ends at once, without a mail', async () => {
    const id = await stack.open('LATE-1', { contact: {} });
    await stack.client.clear(id);
    await stack.untilPhase(id, 'done');
    await stack.startWithCli('signal-with-start', id, '--signal-name', 'cleared');
    const result: unknown = await stack.temporal.workflow.getHandle(workflowIdOf(id)).result();
    expect(result).toEqual({ outcome: 'closed', cycle: 1, survey: { outcome: 'skipped:noAddress' } });
    expect(await count(id, 'closeReport')).toBe(0);
    expect(await stack.mails(id)).toHaveLength(0);
  });

  test('with an older time than the reopening after it stays open', async () => {
    const id = await stack.open('ORDER-1');
    await stack.signal(id, 'reopened', { at: '2026-03-02T00:00:00Z' });
    await stack.signal(id, 'cleared', { at: '2026-03-01T00:00:00Z' });
    await until(
      'both signals in the history',
      async () => (await count(id, 'reopened')) === 1 && (await count(id, 'cleared')) === 1,
    );
    expect(await stack.client.status(id)).toMatchObject({ phase: 'open', cycle: 1 });
    await stack.signal(id, 'cleared', { at: '2026-03-03T00:00:00Z' });
    await stack.untilSurvey(id, 'sent');
    expect((await stack.client.get(id)).clearedAt).toBe('2026-03-03T00:00:00.000Z');
  });

  test('by a clock that runs ahead does not make what comes after look late', async () => {
    const id = await stack.open('AHEAD-1');
    await stack.signal(id, 'cleared', { at: '2999-01-01T00:00:00Z' });
    await stack.untilPhase(id, 'surveying');
    await stack.signal(id, 'reopened');
    await stack.untilPhase(id, 'open', 2);
  });

  test.each(['"words"', '7', '[]', 'null', '{"at":5,"by":{}}', '{"at":"yesterday-ish"}'])(
    'with the odd payload %s is closed all the same',
    async (input) => {
      const id = await stack.open(`ODD-${Buffer.from(input).toString('hex').slice(0, 20)}`);
      await stack.signal(id, 'cleared', input);
      await stack.untilSurvey(id, 'sent');
    },
  );
});

describe('a report that is reopened', () => {
  test('while surveying starts the next cycle in a run of its own and supersedes the survey', async () => {
    const id = await stack.open('AGAIN-1');
    await stack.signal(id, 'cleared');
    await stack.untilSurvey(id, 'sent');
    await stack.signal(id, 'reopened', { reason: 'still broken' });
    await stack.untilPhase(id, 'open', 2);
    const surveys = await stack.client.surveys.ofReport(id);
    expect(surveys.map(({ cycle, state }) => [cycle, state])).toEqual([[1, 'superseded']]);
    await stack.signal(id, 'cleared');
    await stack.untilSurvey(id, 'sent');
    expect((await stack.mails(id)).map(({ messageId }) => messageId)).toHaveLength(2);
    expect(new Set((await stack.mails(id)).map(({ messageId }) => messageId)).size).toBe(2);
    expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 2 });
  });

  test('after the run is done starts a new run with the same workflow id and the next cycle', async () => {
    const id = await stack.open('DONE-1', { contact: {} });
    await stack.client.clear(id);
    await stack.untilPhase(id, 'done');
    await stack.client.reopen(id, { reason: 'back again' });
    await stack.untilPhase(id, 'open', 2);
    await stack.client.clear(id);
    await stack.untilPhase(id, 'done');
    expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 2 });
  });

  test('and cleared again before anybody looked ends closed in cycle 2', async () => {
    const id = await stack.open('FAST-1', { contact: {} });
    await stack.client.clear(id);
    await stack.client.reopen(id);
    await stack.client.clear(id);
    await stack.untilPhase(id, 'done');
    const { status, cycle } = await stack.client.get(id);
    expect(status).toBe('closed');
    expect([1, 2]).toContain(cycle); // 1 when all three came before the first closing
    expect((await eventTypes(id)).length).toBeLessThan(100);
  });
});

describe('a report that is cancelled', () => {
  test('ends without a survey', async () => {
    const id = await stack.open('CANCEL-1');
    await stack.signal(id, 'cancelled', { by: 'desk', reason: 'raised in error' });
    const result: unknown = await stack.temporal.workflow.getHandle(workflowIdOf(id)).result();
    expect(result).toEqual({ outcome: 'cancelled', cycle: 1, survey: { outcome: 'skipped:cancelled' } });
    expect((await stack.client.get(id)).status).toBe('cancelled');
    expect(await stack.mails(id)).toHaveLength(0);
  });

  test('before its run has looked it up is cancelled in the system of record too', async () => {
    const id = await stack.open('CANCEL-3');
    await stack.temporal.workflow.getHandle(workflowIdOf(id)).terminate('as if it had never been started');
    await stack.temporal.workflow.signalWithStart('closeProblemReport', {
      workflowId: workflowIdOf(id),
      taskQueue: 'closeout',
      args: [{ reportId: id }],
      signal: 'cancelled',
    });
    const result: unknown = await stack.temporal.workflow.getHandle(workflowIdOf(id)).result();
    expect(result).toMatchObject({ outcome: 'cancelled', survey: { outcome: 'skipped:cancelled' } });
    expect((await stack.client.get(id)).status).toBe('cancelled');
  });

  test('when it is closed already stays closed', async () => {
    const id = await stack.open('CANCEL-2');
    await stack.signal(id, 'cleared');
    await stack.untilSurvey(id, 'sent');
    await stack.signal(id, 'cancelled');
    await stack.signal(id, 'cleared');
    expect(await stack.client.status(id)).toMatchObject({ phase: 'surveying' });
    expect((await stack.client.get(id)).status).toBe('closed');
  });
});

describe('what an operator sees and does', () => {
  test('search attributes find a run by phase, cycle, customer and survey', async () => {
    const id = await stack.open('SEEN-1', { customerId: 'customer-seen', serviceProblemId: 'SP-7' });
    await stack.signal(id, 'cleared');
    await stack.untilSurvey(id, 'sent');
    const query = `CloseoutPhase="surveying" AND CloseoutCycle=1 AND CloseoutCustomer="customer-seen" AND CloseoutServiceProblem="SP-7" AND CloseoutSurvey="sent"`;
    await until('the run to be listed', async () =>
      (await stack.temporalCli('workflow', 'list', '--query', query)).includes(workflowIdOf(id)),
    );
  });

  test('the current details say what the run waits for and what to do', async () => {
    const id = await stack.open('DETAILS-1');
    const details = JSON.stringify(
      await stack.temporalCli('workflow', 'metadata', '--workflow-id', workflowIdOf(id), '-o', 'json'),
    );
    expect(details).toContain('**DETAILS-1, cycle 1: open**');
    expect(details).toContain('Open: waits for the fault to be cleared.');
    expect(details).toContain('To act: `closeout clear DETAILS-1`');
    for (const name of ['cleared', 'reopened', 'cancelled', 'answered', 'retryNow', 'closeByHand'])
      expect(details).toContain(name);
  });

  test('a held report is not closed before it is released', async () => {
    const id = await stack.open('HOLD-1');
    await stack.client.operate('hold', id, { by: 'eve' });
    await stack.signal(id, 'cleared');
    await stack.untilHeld(id);
    await expect(stack.client.operate('retryNow', id, { by: 'eve' })).rejects.toThrow(
      'this report is in phase clearing',
    );
    await stack.client.operate('release', id, { by: 'eve' });
    await stack.untilSurvey(id, 'sent');
  });

  test('a survey that an operator skipped is not sent, and says so', async () => {
    const id = await stack.open('SKIP-1');
    await stack.client.operate('skipSurvey', id, { by: 'eve' });
    await stack.signal(id, 'cleared');
    const status = await stack.untilPhase(id, 'done');
    expect(status.survey).toEqual({ state: 'skipped', reason: 'byOperator' });
    expect(await stack.mails(id)).toHaveLength(0);
  });

  test('a survey sent again keeps its Message-ID', async () => {
    const id = await stack.open('RESEND-1');
    await stack.signal(id, 'cleared');
    await stack.untilSurvey(id, 'sent');
    await stack.client.operate('resendSurvey', id, { by: 'eve' });
    const [first, second] = await stack.untilMails(id, 2);
    expect(second?.raw).toBe(first?.raw);
  });

  test('a run for a report that does not exist waits in needsAttention and goes on when the report is there', async () => {
    const id = 'GHOST-1';
    const workflowId = workflowIdOf(id);
    await stack.startWithCli('start', id);
    const handle = stack.temporal.workflow.getHandle(workflowId);
    const status = await until('needsAttention', async () => {
      const seen = await handle.query<{ phase: string; attention: { step: string; failure: string } }>('status');
      return seen.phase === 'needsAttention' && seen;
    });
    expect(status.attention).toMatchObject({
      step: 'lookUpReport',
      failure: 'ReportNotFound: There is no report GHOST-1.',
    });
    const [alert] = await until('the alert', async () => {
      const alerts = await stack.alerts(id);
      return alerts.length > 0 && alerts;
    });
    expect(alert?.subject).toBe('Needs attention: report GHOST-1');
    expect(alert?.text).toContain('If it should not exist, run: closeout close-by-hand GHOST-1 --note');
    await stack.signal(id, 'cleared');
    await stack.open(id);
    await stack.untilSurvey(id, 'sent');
  });

  test('a new report that another program has cancelled is looked up, not parked', async () => {
    const id = await stack.open('FOREIGN-1');
    await stack.sql("update reports set status = 'cancelled', changed_at = now() where id = $1", [id]);
    await stack.signal(id, 'cleared');
    expect((await stack.untilPhase(id, 'done')).outcome).toBe('cancelled');
    expect(await count(id, 'lookUpReport')).toBe(1);
  });

  test('a closing that stays refused parks again, whatever was asked, until the cause is gone', async () => {
    const id = await stack.open('REFUSED-1');
    await lookUp(stack, id);
    await stack.sql("update reports set status = 'cancelled', changed_at = now() where id = $1", [id]);
    await stack.signal(id, 'cleared');
    const first = await stack.untilPhase(id, 'needsAttention');
    expect(first.attention?.step).toBe('closeReport');
    expect(first.attention?.failure).toMatch(/^ClosureRefused: /);
    await stack.client.operate('closeByHand', id, { by: 'eve', note: 'closed in the old system' });
    await stack.untilStatus(
      id,
      'parked again',
      ({ phase, attention }) => phase === 'needsAttention' && attention?.since !== first.attention?.since,
    );
    expect(await count(id, 'closeReport')).toBe(2);
    await stack.signal(id, 'cancelled');
    await stack.untilPhase(id, 'done');
  });

  test('a run that received thousands of signals continues in a new one, with all it knows', async () => {
    const id = await stack.open('TALK-1');
    await stack.client.operate('hold', id, { by: 'eve' });
    const handle = stack.temporal.workflow.getHandle(workflowIdOf(id));
    const first = (await handle.describe()).runId;
    const late = { at: '2001-01-01T00:00:00Z' };
    await stack.signal(id, 'reopened', { at: '2026-03-01T00:00:00Z' });
    for (let sent = 0; (await handle.describe()).runId === first; sent += 50) {
      expect(sent).toBeLessThan(10_000); // Temporal accepts no more signals in one run
      await Promise.all(Array.from({ length: 50 }, () => handle.signal('cleared', late)));
      await handle.query('status'); // a run to which signals come without a pause cannot continue as new
    }
    await stack.signal(id, 'cleared');
    await stack.untilHeld(id);
    await stack.client.operate('release', id, { by: 'eve' });
    await stack.untilSurvey(id, 'sent');
  });
});

test('the reason of a reopening is in the history, whether the run or the caller writes first', async () => {
  for (let time = 0; time < 15; time++) {
    const id = await stack.open(`REASON-${time}`);
    await stack.client.clear(id);
    await stack.untilSurvey(id, 'sent');
    await stack.client.reopen(id, { by: 'noc', reason: `seen ${time}` });
    await stack.untilPhase(id, 'open', 2);
    expect((await stack.client.get(id)).statusReason).toBe(`seen ${time}`);
    const { history = [] } = (await stack.client.detailsOf([id])).get(id) ?? {};
    expect(history.at(-1)).toMatchObject({ by: 'noc', reason: `seen ${time}` });
  }
});
