/** Everything the workflows do to the outside world. Each activity may run more than once, and says why that is safe. */
import { alertOperator } from './alert-operator.js';
import { askConfirmation } from './ask-confirmation.js';
import { clearReports, countReports } from './clear-reports.js';
import { closeReport } from './close-report.js';
import type { Deps } from './deps.js';
import { endSurvey } from './end-survey.js';
import { extendSurvey } from './extend-survey.js';
import { forgetEndedReports } from './forget-ended-reports.js';
import { giveUpReply } from './give-up-reply.js';
import { lookUpReport } from './look-up-report.js';
import { openFollowUp } from './open-follow-up.js';
import { recordDelivery } from './record-delivery.js';
import { recordAnswerHandled, recordDecision } from './record-decision.js';
import { cancelReport, endReportInLedger, reopenReport } from './change-report.js';
import { resolveConfirmation } from './resolve-confirmation.js';
import { sendReply } from './send-reply.js';
import { sendSurvey } from './send-survey.js';
import { findRestored, recordSweep, restoreLedger, sweepReports, wakeUnfinished } from './sweep-reports.js';

const implementations = {
  alertOperator,
  askConfirmation,
  cancelReport,
  clearReports,
  closeReport,
  countReports,
  endSurvey,
  extendSurvey,
  findRestored,
  forgetEndedReports,
  giveUpReply,
  endReportInLedger,
  lookUpReport,
  openFollowUp,
  recordAnswerHandled,
  recordDecision,
  recordDelivery,
  recordSweep,
  reopenReport,
  resolveConfirmation,
  restoreLedger,
  sendReply,
  sendSurvey,
  sweepReports,
  wakeUnfinished,
};

type Bound<F> = F extends (deps: Deps, ...input: infer I) => infer R ? (...input: I) => R : never;

/** The activities as workflows see them. */
export type Activities = { [Name in keyof typeof implementations]: Bound<(typeof implementations)[Name]> };

export function createActivities(deps: Deps): Activities {
  const bound = Object.entries(implementations).map(([name, verb]) => [
    name,
    (verb as (deps: Deps) => unknown).bind(null, deps),
  ]);
  return Object.fromEntries(bound) as Activities;
}
