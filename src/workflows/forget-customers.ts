/** Once a day, by the schedule `closeout-forget`: who the customers of old reports were is removed. */
import * as steps from './steps.js';

export async function forgetCustomers(): Promise<{ reports: number }> {
  return { reports: await steps.forgetEndedReports() };
}
