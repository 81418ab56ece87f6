/** The dependencies of the activities. Created once per worker. */
import type { Brands } from '../customer/brand.js';
import type { MailSettings } from '../customer/mail.js';
import type { Mailer } from '../outside/mail/mailer.js';
import type { Stores } from '../outside/stores.js';
import type { LostRuns } from '../outside/temporal/lost-runs.js';
import type { Runs } from '../outside/temporal/runs.js';
import type { Systems } from '../systems/systems.js';
import type { PolicyFor } from '../policy/settings.js';

export interface Deps extends Stores {
  runs: Runs;
  lostRuns: LostRuns;
  mailer: Mailer;
  policyFor: PolicyFor;
  brands: Brands;
  systems: Systems;
  mail: MailSettings;
  /** The address that receives alerts. */
  alertTo: string;
  /** For how many days after its end a report keeps its customer's personal data. */
  keepDays: number;
  /** The page of a report's run in the Temporal UI, if known. */
  runUrl: (reportId: string) => string | undefined;
}
