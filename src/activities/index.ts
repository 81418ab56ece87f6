/** Everything the workflows do to the outside world. Each may run more than once for one call, and says why that is safe. */
import { askConfirmation } from './ask-confirmation.js';
import { alertOperator } from './alert-operator.js';
import { cancelReport } from './cancel-report.js';
import { closeReport } from './close-report.js';
import type { Deps } from './deps.js';
import { endSurvey } from './end-survey.js';
import { extendSurvey } from './extend-survey.js';
import { forgetEndedReports } from './forget-ended-reports.js';
import { openFollowUp } from './open-follow-up.js';
import { sendReply } from './send-reply.js';
import { clearReports, countReports } from './clear-reports.js';
import { noteSweep, sweepPage, tellAnswers } from './sweep-reports.js';
import { lookUpReport } from './look-up-report.js';
import { reopenReport } from './reopen-report.js';
import { settleConfirmation } from './settle-confirmation.js';
import { sendSurvey } from './send-survey.js';

export function createActivities(deps: Deps) {
  return {
    lookUpReport: lookUpReport(deps),
    closeReport: closeReport(deps),
    reopenReport: reopenReport(deps),
    cancelReport: cancelReport(deps),
    askConfirmation: askConfirmation(deps),
    settleConfirmation: settleConfirmation(deps),
    sendSurvey: sendSurvey(deps),
    endSurvey: endSurvey(deps),
    extendSurvey: extendSurvey(deps),
    forgetEndedReports: forgetEndedReports(deps),
    openFollowUp: openFollowUp(deps),
    sendReply: sendReply(deps),
    sweepPage: sweepPage(deps),
    tellAnswers: tellAnswers(deps),
    noteSweep: noteSweep(deps),
    clearReports: clearReports(deps),
    countReports: countReports(deps),
    alertOperator: alertOperator(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
