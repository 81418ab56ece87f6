/** What activities work with; made once a worker. */
import type { MailSettings } from '../survey/mail.js';
import type { Mailer } from '../outside/mail/mailer.js';
import type { ReportsPort } from '../outside/reports/port.js';
import type { Surveys } from '../outside/surveys.js';
import type { PolicyFor } from '../policy/settings.js';

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
