/** Paths from open to closed: repeated, late and swapped signals, reopenings and cancellations. */
import { workflowIdOf } from '../../../src/contract/ids.js';
import { lookUp } from '../../stack/look-up.js';
import { until } from '../../stack/waiting.js';
import { ask, type Paths, type Recording } from './recording.js';

export function closingPaths(recording: Recording): Paths {
  const { stack } = recording;
  const { client } = stack;
  return {
    async 'waits-open'(id) {
      await stack.open(id);
      await lookUp(stack, id); // a history without commands would fit any process
    },
    async 'cleared-twice-and-late'(id) {
      await stack.open(id);
      await stack.signal(id, 'reopened', { at: '2026-03-02T00:00:00Z' });
      await stack.signal(id, 'cleared', { at: '2026-03-01T00:00:00Z' });
      await stack.signal(id, 'cleared', { at: '2026-03-03T00:00:00Z' });
      await stack.signal(id, 'cleared');
      await stack.untilSurvey(id, 'sent');
    },
    async 'cleared-together'(id) {
      await stack.open(id, { serviceProblemId: 'outage' });
      await client.serviceProblems.clear({ serviceProblemId: 'outage' });
      await stack.untilSurvey(id, 'sent');
    },
    async 'flaps-in-the-hold-down'(id) {
      await stack.open(id, { ticketType: 'flapping' });
      await stack.signal(id, 'cleared');
      await stack.untilPhase(id, 'clearing');
      await stack.signal(id, 'reopened');
      await stack.untilPhase(id, 'open');
      await stack.signal(id, 'cleared');
      await stack.untilSurvey(id, 'sent');
    },
    async 'reopened-while-surveying'(id) {
      await ask(recording, id);
      await stack.signal(id, 'reopened');
      await stack.untilPhase(id, 'open', 2);
      await stack.signal(id, 'cleared');
      await stack.untilSurvey(id, 'sent');
    },
    async 'reopened-after-done'(id) {
      await stack.open(id, { contact: {} });
      await client.clear(id);
      await stack.untilPhase(id, 'done');
      await client.reopen(id);
      await stack.untilPhase(id, 'open', 2);
    },
    async 'cleared-after-done'(id) {
      await stack.open(id, { contact: {} });
      await client.clear(id);
      await stack.untilPhase(id, 'done');
      await stack.signalWithStart(id, 'cleared');
      await stack.temporal.workflow.getHandle(workflowIdOf(id)).result();
    },
    async 'cancelled-while-open'(id) {
      await stack.open(id);
      await stack.signal(id, 'cancelled');
      await stack.untilPhase(id, 'done');
    },
    async 'cancelled-in-the-hold-down'(id) {
      await stack.open(id, { ticketType: 'flapping' });
      await stack.signal(id, 'cleared');
      await stack.untilPhase(id, 'clearing');
      await stack.signal(id, 'cancelled');
      await stack.untilPhase(id, 'done');
    },
    async 'signalled-before-opened'(id) {
      await stack.signalWithStart(id, 'cleared');
      await until('needsAttention', async () => {
        return (
          await stack.temporal.workflow.count(`WorkflowId="${workflowIdOf(id)}" AND CloseoutPhase="needsAttention"`)
        ).count;
      });
      await stack.open(id);
      await stack.untilSurvey(id, 'sent');
    },
  };
}
