import { cancellationSignal } from '@temporalio/activity';
import { errors } from '../contract/errors.js';
import type { Alert } from '../contract/messages.js';
import { callsOperator } from '../policy/survey.js';
import type { Mail } from '../customer/mail.js';
import * as mails from '../operator/alerts.js';
import type { Deps } from './deps.js';

const day = 24 * 60 * 60 * 1000;

type Of<K extends Alert['kind']> = Extract<Alert, { kind: K }>;

/** Tells the operator by mail. Safe to repeat: the same bytes under the same Message-ID, about what the database holds. */
export const alertOperator =
  (deps: Deps) =>
  async (alert: Alert): Promise<void> => {
    if (alert.kind === 'answer') return tellOfAnswer(deps, alert);
    const mail = await compose(deps, alert);
    if (mail) await deps.mailer.send(mail, cancellationSignal());
  };

async function compose(deps: Deps, alert: Exclude<Alert, { kind: 'answer' }>): Promise<Mail | undefined> {
  const { surveys, answers, mail } = deps;
  switch (alert.kind) {
    case 'undeliverable': {
      const survey = await surveys.ofCycle(alert.reportId, alert.cycle);
      const failure = `${alert.failure}${alert.failure in errors ? '' : ' (see the run)'}`;
      return (
        survey &&
        mails.undeliverableMail(
          told(deps, survey.id, survey.claimed_at, survey.report_id),
          survey.report_id,
          failure,
          mail,
        )
      );
    }
    case 'relay':
      return mails.relayMail(
        told(deps, `relay.${alert.since.slice(0, 10)}`, new Date(alert.since)),
        alert.failure,
        alert.since,
        mail,
      );
    case 'attention':
      return mails.attentionMail(
        told(
          deps,
          `attention.${alert.reportId}.${Date.parse(alert.since)}.${alert.day}`,
          new Date(Date.parse(alert.since) + alert.day * day),
          alert.reportId,
        ),
        alert,
        mail,
      );
    case 'unconfirmed':
      return mails.unconfirmedMail(
        told(
          deps,
          `unconfirmed.${alert.reportId}.${Date.parse(alert.clearedAt)}.${alert.day}`,
          new Date(Date.parse(alert.since) + alert.day * day),
          alert.reportId,
        ),
        alert,
        mail,
      );
    case 'reopenings':
      return mails.reopeningsMail(
        told(deps, `reopenings.${alert.reportId}.${alert.cycle}`, new Date(alert.at), alert.reportId),
        alert,
        mail,
      );
    case 'message': {
      const message = await answers.message(alert.messageId);
      const survey = message && (await surveys.find(message.survey_id));
      return (
        survey &&
        mails.wroteBackMail(
          told(deps, message.id, message.at, survey.report_id),
          survey.report_id,
          { ...message, isHeld: survey.confirmation === 'sent' },
          mail,
        )
      );
    }
  }
}

/** A low score is told once; and that it was changed to a better one, if it was told. */
async function tellOfAnswer(deps: Deps, { reportId, cycle, revision, scoreAtMost }: Of<'answer'>): Promise<void> {
  const { reports, surveys, answers, mailer, mail } = deps;
  const survey = await surveys.ofCycle(reportId, cycle);
  const answer = survey && (await answers.of(survey.id));
  if (!survey || !answer) return; // forgotten since
  const isLow = callsOperator(answer, { scoreAtMost });
  const { alerted_revision: before } = survey;
  if (isLow === (before !== null)) return; // told before, or never was
  const report = await reports.get(reportId);
  const about = told(deps, `${survey.id}.${revision}`, answer.changed_at, reportId);
  const text = isLow
    ? mails.lowScoreMail(about, report, cycle, answer, mail)
    : mails.retractionMail(about, report, answer, `${survey.id}.${before}`, mail);
  await mailer.send(text, cancellationSignal());
  await surveys.setAlerted(survey.id, isLow ? revision : null);
}

const told = ({ alertTo, runUrl }: Deps, id: string, date: Date, reportId?: string): mails.Told => ({
  ...{ id, date, to: alertTo },
  runUrl: reportId && runUrl(reportId),
});
