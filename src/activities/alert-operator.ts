import { cancellationSignal } from '@temporalio/activity';
import { CloseoutError, errors } from '../contract/errors.js';
import type { Alert } from '../contract/messages.js';
import { alertMail } from '../operator/alert-mail.js';
import { alertText, type AlertFacts } from '../operator/alerts.js';
import { alertsOperator } from '../policy/survey.js';
import type { Deps } from './deps.js';
import { mailVerdict } from './to-failure.js';

/**
 * Alerts the operator by mail. Returns whether there was anything to say. Safe to repeat: the same bytes under the same Message-ID, composed
 * of what the database holds.
 */
export async function alertOperator(deps: Deps, alert: Alert): Promise<boolean> {
  const { surveys, mailer, mail, alertTo } = deps;
  const facts = await readFacts(deps, alert);
  const text = alertText(alert, facts);
  if (!text) return false;
  const only = facts.affected?.count === 1 ? facts.affected.reports[0]?.id : facts.survey?.reportId;
  const reportId = 'reportId' in alert ? alert.reportId : only;
  const runUrl = reportId && deps.runUrl(reportId);
  const about = alertMail(alert, text, { from: mail.from, to: alertTo, runUrl });
  await mailer.send(about, cancellationSignal()).catch(refusedAsOurs);
  // A low score is reported once, and so is the better one that replaces it.
  if (alert.kind === 'answer' && facts.survey && facts.answer) {
    const isLow = alertsOperator(facts.answer, alert.scoreAtMost);
    await surveys.setAlerted(facts.survey.id, isLow ? alert.revision : null);
  }
  return true;
}

/** The alert address is a setting, so a refusal is not final: the alert is retried until the setting is corrected. */
function refusedAsOurs(error: unknown): never {
  const verdict = mailVerdict(error);
  if (!verdict || errors[verdict.code].retry) throw error;
  throw new CloseoutError('MailMisconfigured', `CLOSEOUT_ALERT_TO: ${verdict.reason}`);
}

async function readFacts(
  { reports, surveys, answers, messages, affected, ledger }: Deps,
  alert: Alert,
): Promise<AlertFacts & { survey?: { id: string; alertedRevision: number | null } }> {
  switch (alert.kind) {
    case 'answer': {
      const [report, survey] = await Promise.all([
        reports.get(alert.reportId),
        surveys.ofCycle(alert.reportId, alert.cycle),
      ]);
      if (!survey) return { report };
      const { id, alertedRevision } = survey;
      const alerted = alertedRevision === null ? undefined : await answers.revision(id, alertedRevision);
      return { report, survey, answer: await answers.of(id), alerted };
    }
    case 'notFixed': {
      const [report, details] = await Promise.all([reports.get(alert.reportId), reports.detailsOf([alert.reportId])]);
      const { history = [] } = details.get(alert.reportId) ?? {};
      return { report, reason: history.find(({ at, by }) => at === alert.at && by === 'customer')?.reason };
    }
    case 'undeliverable':
      return { affected: await affected.undeliverable(alert.failure, new Date(alert.at)) };
    case 'attention':
      return { affected: await affected.inAttention(alert.step, alert.code) };
    case 'stuck':
      return { affected: await affected.stuck() };
    case 'message':
    case 'reply': {
      const message = await messages.find(alert.storedMessageId);
      const survey = message && (await surveys.find(message.surveyId));
      return { message, survey, isHeld: survey && (await ledger.read(survey.reportId)).hold !== null };
    }
    default:
      return {};
  }
}
