/** Removing personal data. */
import type { CustomerErasure } from '../outside/erasure.js';
import type { Runs } from '../outside/temporal/runs.js';
import { falseIfRefused } from './errors.js';

export class CustomerService {
  constructor(
    private readonly erasure: CustomerErasure,
    private readonly runs: Runs,
  ) {}

  /** Removes a customer's personal data and revokes their open surveys. Returns the number of reports. Throws `NotFound`. */
  async erase(customerId: string, by: string): Promise<number> {
    const ids = await this.erasure.erase(customerId);
    for (const id of ids) await this.runs.update('revokeSurvey', id, { by }).catch(falseIfRefused);
    return ids.length;
  }

  /** Removes personal data from reports that ended before this time. Returns the number of reports. */
  forgetEndedBefore(time: Date): Promise<number> {
    return this.erasure.forgetEndedBefore(time);
  }
}
