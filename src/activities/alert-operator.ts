import { cancellationSignal } from '@temporalio/activity';
import { alertMail } from '../survey/mail.js';
import type { Deps } from './deps.js';

/** Mails what a dissatisfied customer said. Safe to repeat: the same bytes under the same Message-ID. */
export const alertOperator =
  ({ reports, surveys, mailer, mail, runUrl }: Deps) =>
  async ({ reportId, cycle }: { reportId: string; cycle: number }): Promise<void> => {
    const report = await reports.get(reportId);
    const survey = await surveys.ofCycle(reportId, cycle);
    const answer = survey && (await surveys.answerOf(survey.id));
    if (!survey || !answer) return; // the answer was erased since
    const { score, solved, comment, at } = answer;
    const alert = {
      surveyId: survey.id,
      report,
      cycle,
      score,
      solved,
      comment,
      date: at,
      to: mail.alertTo,
      runUrl: runUrl(reportId),
    };
    await mailer.send(alertMail(alert, mail), cancellationSignal());
  };
