/** Paths of the survey: answers, reminders, bounces and refused mail. */
import { workflowIdOf } from '../../../src/contract/ids.js';
import { until } from '../../stack/waiting.js';
import { answer, ask, bounce, eve, type Paths, type Recording } from './recording.js';

export function surveyPaths(recording: Recording): Paths {
  const { stack } = recording;
  const { client } = stack;
  return {
    async answered(id) {
      await ask(recording, id);
      await answer(recording, id, { score: 5 });
      await stack.untilPhase(id, 'done');
    },
    async 'low-score'(id) {
      await ask(recording, id);
      await answer(recording, id, { score: 1 });
      await stack.untilPhase(id, 'done');
    },
    async 'not-solved'(id) {
      await ask(recording, id);
      await answer(recording, id, { score: 2, solved: false });
      await stack.untilPhase(id, 'open', 2);
    },
    async 'reminded-and-expired'(id) {
      await ask(recording, id, 'reminded');
      await stack.untilSurvey(id, 'expired');
      await stack.untilPhase(id, 'done');
    },
    async 'survey-delayed-and-skipped'(id) {
      await stack.open(id, { ticketType: 'delayed' });
      await stack.signal(id, 'cleared');
      await stack.untilPhase(id, 'surveying');
      await client.operate('skipSurvey', id, eve);
      await stack.untilPhase(id, 'done');
    },
    async bounced(id) {
      await ask(recording, id);
      await bounce(recording, id);
      await stack.untilPhase(id, 'done');
    },
    async 'rejected-and-sent-again'(id) {
      await ask(recording, id);
      await bounce(recording, id, '5.7.26');
      await stack.untilStatus(id, 'rejected', ({ isResend }) => isResend === true);
      await client.operate('retryNow', id, eve);
      await stack.untilStatus(id, 'sent again', ({ isResend }) => !isResend);
    },
    async 'relay-refuses-us-for-a-while'(id) {
      recording.relayRefusesUs = true;
      await stack.open(id);
      await stack.signal(id, 'cleared');
      await stack.untilStatus(id, 'waiting for the relay', ({ attention }) => attention !== undefined);
      recording.relayRefusesUs = false;
      await client.operate('retryNow', id, eve);
      await stack.untilSurvey(id, 'sent');
    },
    async 'not-solved-too-late'(id) {
      await ask(recording, id, 'old');
      await until('the time to reopen to be over', async () => {
        const { reopenUntil = '' } = await client.surveys.currentOf(id);
        return Date.parse(reopenUntil) < Date.now();
      });
      await answer(recording, id, { score: 2, solved: false });
      await stack.untilPhase(id, 'done');
    },
    async 'answer-changed-after-done'(id) {
      await ask(recording, id);
      await answer(recording, id, { score: 1 });
      await stack.untilPhase(id, 'done');
      await answer(recording, id, { score: 5 });
      await stack.temporal.workflow.getHandle(workflowIdOf(id)).result();
    },
    async 'retried-mail'(id) {
      await ask(recording, id);
    },
    async 'refused-address'(id) {
      await stack.open(id);
      await stack.signal(id, 'cleared');
      await stack.untilPhase(id, 'done');
    },
  };
}
