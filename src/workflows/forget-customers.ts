/** Removes the personal data of customers from old reports. Run once a day by the schedule `closeout-forget`. */
import * as steps from './steps.js';

export async function forgetCustomers(): Promise<{ reports: number }> {
  return { reports: await steps.forgetEndedReports() };
}
