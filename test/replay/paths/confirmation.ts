/** Paths of reports whose customers are asked to confirm. */
import { answer, bounce, eve, type Paths, type Recording } from './recording.js';

export function confirmationPaths(recording: Recording): Paths {
  const { stack } = recording;
  const { client } = stack;

  async function askToConfirm(id: string, ticketType: string) {
    await stack.open(id, { ticketType });
    await stack.signal(id, 'cleared');
    await stack.untilAsked(id);
  }

  async function say(id: string, fixed: boolean) {
    const survey = await client.surveys.ofCycle(id, 1);
    if (survey?.confirmFor) await client.surveys.confirm(survey.id, { fixed, clearedAt: survey.confirmFor });
  }

  return {
    async 'confirmed-and-answered'(id) {
      await askToConfirm(id, 'confirmed');
      await say(id, true);
      await stack.untilSurvey(id, 'sent');
      await answer(recording, id, { score: 5 });
      await stack.untilPhase(id, 'done');
    },
    async 'not-fixed-then-confirmed'(id) {
      await askToConfirm(id, 'confirmed');
      await say(id, false);
      await stack.untilPhase(id, 'open', 1);
      await stack.signal(id, 'cleared');
      await stack.untilAsked(id);
      await say(id, true);
      await stack.untilSurvey(id, 'sent');
    },
    async 'warned-and-silent'(id) {
      await askToConfirm(id, 'silent');
      await stack.untilSurvey(id, 'sent');
    },
    async 'unconfirmed-and-released'(id) {
      await askToConfirm(id, 'major');
      await stack.untilPhase(id, 'needsAttention');
      await client.operate('release', id, eve);
      await stack.untilSurvey(id, 'sent');
    },
    async 'reopened-while-asked-to-confirm'(id) {
      await askToConfirm(id, 'confirmed');
      await stack.signal(id, 'reopened');
      await stack.untilPhase(id, 'open', 1);
    },
    async 'refused-asked-to-confirm'(id) {
      await stack.open(id, { ticketType: 'confirmed' });
      await stack.signal(id, 'cleared');
      await stack.untilPhase(id, 'done');
    },
    async 'rejected-and-asked-again'(id) {
      await askToConfirm(id, 'confirmed');
      await bounce(recording, id, '5.7.26');
      await stack.untilStatus(id, 'rejected', ({ isResend }) => isResend === true);
      await client.operate('retryNow', id, eve);
      await stack.untilStatus(id, 'asked again', ({ isResend }) => !isResend);
    },
    async 'bounced-asked-to-confirm'(id) {
      await askToConfirm(id, 'confirmed');
      await bounce(recording, id);
      await stack.untilPhase(id, 'done');
    },
  };
}
