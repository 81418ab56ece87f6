/** Everything the workflows do to the outside world. Each may run more than once for one call, and says why that is safe. */
import { alertOperator } from './alert-operator.js';
import { cancelReport } from './cancel-report.js';
import { closeReport } from './close-report.js';
import type { Deps } from './deps.js';
import { endSurvey } from './end-survey.js';
import { lookUpReport } from './look-up-report.js';
import { reopenReport } from './reopen-report.js';
import { sendSurvey } from './send-survey.js';

export function createActivities(deps: Deps) {
  return {
    lookUpReport: lookUpReport(deps),
    closeReport: closeReport(deps),
    reopenReport: reopenReport(deps),
    cancelReport: cancelReport(deps),
    sendSurvey: sendSurvey(deps),
    endSurvey: endSurvey(deps),
    alertOperator: alertOperator(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
