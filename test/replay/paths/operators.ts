/** Paths with an operator's updates. */
import { workflowIdOf } from '../../../src/contract/ids.js';
import { lookUp } from '../../stack/look-up.js';
import type { Stack } from '../../stack/stack.js';
import { until } from '../../stack/waiting.js';
import { addressOf, ask, eve, type Paths, type Recording } from './recording.js';

export function operatorPaths(recording: Recording): Paths {
  const { stack, relay } = recording;
  const { client } = stack;
  return {
    async 'held-and-released'(id) {
      await stack.open(id);
      await client.operate('hold', id, eve);
      await stack.signal(id, 'cleared');
      await stack.untilPhase(id, 'clearing');
      await client.operate('release', id, eve);
      await stack.untilSurvey(id, 'sent');
    },
    async 'survey-sent-again'(id) {
      await ask(recording, id);
      await client.operate('resendSurvey', id, eve);
      await until('the second copy', () => relay.to(addressOf(id)).length === 2);
      await stack.untilStatus(id, 'waiting for its end', ({ until: end }) => end !== undefined);
    },
    async 'survey-extended-and-revoked'(id) {
      await ask(recording, id);
      await client.operate('extendSurvey', id, { ...eve, days: 2 });
      await client.operate('revokeSurvey', id, eve);
      await stack.untilPhase(id, 'done');
    },
    async 'held-in-quiet-hours-and-skipped'(id) {
      await stack.open(id, { ticketType: 'quiet' });
      await stack.signal(id, 'cleared');
      await stack.untilPostponed(id);
      await client.operate('skipSurvey', id, eve);
      await stack.untilPhase(id, 'done');
    },
    async 'down-relay-retried-by-hand-then-reopened'(id) {
      await stack.open(id);
      await stack.signal(id, 'cleared');
      await until('two tries', () => (relay.attempts.get(addressOf(id)) ?? 0) >= 2);
      const before = relay.attempts.get(addressOf(id)) ?? 0;
      await client.operate('retryNow', id, eve);
      await until('a try at once', () => (relay.attempts.get(addressOf(id)) ?? 0) > before);
      await stack.signal(id, 'reopened');
      await stack.untilPhase(id, 'open', 2);
    },
    async 'closing-refused-then-cancelled'(id) {
      await refuseClosing(stack, id);
      await client.operate('retryNow', id, eve);
      await stack.untilPhase(id, 'needsAttention');
      await stack.signal(id, 'cancelled');
      await stack.untilPhase(id, 'done');
    },
    async 'unknown-report-closed-by-hand'(id) {
      const handle = await stack.temporal.workflow.start('closeProblemReport', {
        workflowId: workflowIdOf(id),
        taskQueue: 'closeout',
        args: [{ reportId: id }],
      });
      await until('needsAttention', async () => {
        return (await handle.query<{ phase: string }>('status')).phase === 'needsAttention';
      });
      await handle.executeUpdate('closeByHand', { args: [{ by: 'eve', note: 'closed in the old system' }] });
      await handle.result();
    },
  };
}

/** Another program cancels the report without notifying its run. */
async function refuseClosing(stack: Stack, id: string): Promise<void> {
  await stack.open(id);
  await lookUp(stack, id);
  await stack.sql("update reports set status = 'cancelled', changed_at = '2026-03-01T00:00:00Z' where id = $1", [id]);
  await stack.signal(id, 'cleared');
  await stack.untilPhase(id, 'needsAttention');
}
