/** Paths of reports whose customers are asked whether it is fixed. */
import type { Score } from '../../src/contract/reports.js';
import type { Stack } from '../stack/stack.js';

export function confirmationPaths(stack: Stack): Record<string, (id: string) => Promise<unknown>> {
  const { client } = stack;
  const eve = { by: 'eve' };

  async function askToConfirm(id: string, ticketType: string) {
    await stack.open(id, { ticketType });
    await stack.signal(id, 'cleared');
    await stack.untilStatus(id, 'asked', ({ waitingFor }) => waitingFor.startsWith('the customer'));
  }

  async function say(id: string, fixed: boolean) {
    const survey = await client.surveys.ofCycle(id, 1);
    if (survey?.confirm_for) await client.surveys.confirm(survey.id, { fixed, clearedAt: survey.confirm_for });
  }

  async function rate(id: string, score: Score) {
    const survey = await client.surveys.ofCycle(id, 1);
    await client.surveys.answer(survey?.id ?? '', { score });
  }

  return {
    async 'confirmed-and-answered'(id) {
      await askToConfirm(id, 'confirmed');
      await say(id, true);
      await stack.untilSurvey(id, 'sent');
      await rate(id, 5);
      await stack.untilPhase(id, 'done');
    },
    async 'not-fixed-then-confirmed'(id) {
      await askToConfirm(id, 'confirmed');
      await say(id, false);
      await stack.untilPhase(id, 'open', 1);
      await stack.signal(id, 'cleared');
      await stack.untilStatus(id, 'asked again', ({ waitingFor }) => waitingFor.startsWith('the customer'));
      await say(id, true);
      await stack.untilSurvey(id, 'sent');
    },
    async 'warned-and-silent'(id) {
      await askToConfirm(id, 'silent');
      await stack.untilSurvey(id, 'sent');
    },
    async 'unconfirmed-and-released'(id) {
      await askToConfirm(id, 'major');
      await stack.untilStatus(id, 'overdue', ({ waitingFor }) => waitingFor.includes('operator'));
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
    async 'bounced-asked-to-confirm'(id) {
      await askToConfirm(id, 'confirmed');
      const surveyId = (await client.surveys.ofCycle(id, 1))?.id ?? '';
      await client.surveys.receive({ kind: 'bounce', id, surveyId, status: '5.2.2', recipients: [] });
      await stack.untilPhase(id, 'done');
    },
  };
}
