/** Everything the workflows do to the outside world. Each may run more than once for one call, and says why that is safe. */
import type { MailSettings } from '../survey/mail.js';
import type { Mailer } from '../outside/mail/mailer.js';
import type { ReportsPort } from '../outside/reports/port.js';
import type { Surveys } from '../outside/surveys.js';
import type { PolicyFor } from '../policy/settings.js';
import { alertOperator } from './alert-operator.js';
import { cancelReport } from './cancel-report.js';
import { closeReport } from './close-report.js';
import { endSurvey } from './end-survey.js';
import { lookUpReport } from './look-up-report.js';
import { reopenReport } from './reopen-report.js';
import { sendSurvey } from './send-survey.js';

export interface Deps {
  reports: ReportsPort;
  surveys: Surveys;
  mailer: Mailer;
  policyFor: PolicyFor;
  mail: MailSettings & { alertTo: string };
  addressKey: Buffer;
  /** Where operators look at runs, if known. */
  runUrl: (reportId: string) => string | undefined;
}

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
