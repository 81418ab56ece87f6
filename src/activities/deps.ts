/** What activities work with; made once a worker. */
import { randomBytes } from 'node:crypto';
import type { Answers } from '../outside/surveys/answers.js';
import type { Confirmations } from '../outside/surveys/confirmations.js';
import type { Customers } from '../outside/erasure.js';
import type { Mailer } from '../outside/mail/mailer.js';
import type { ReportsPort } from '../outside/reports/port.js';
import type { Runs } from '../outside/temporal/runs.js';
import type { Sweeps } from '../outside/sweeps.js';
import type { Surveys } from '../outside/surveys/surveys.js';
import type { PolicyFor } from '../policy/settings.js';
import type { MailSettings } from '../customer/mail.js';

export interface Deps {
  reports: ReportsPort;
  surveys: Surveys;
  confirmations: Confirmations;
  answers: Answers;
  customers: Customers;
  sweeps: Sweeps;
  runs: Runs;
  mailer: Mailer;
  policyFor: PolicyFor;
  mail: MailSettings;
  alertTo: string;
  addressKey: Buffer;
  /** For how many days after its end a report keeps who its customer is. */
  keepDays: number;
  /** Where operators look at runs, if known. */
  runUrl: (reportId: string) => string | undefined;
}

/** Random, not the report's number: it stands in links and Message-IDs. 16 characters, 96 bits. */
export const newSurveyId = (): string => randomBytes(12).toString('base64url');
