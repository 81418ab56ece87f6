/** Personal data, and who must not be mailed. */
import { CloseoutError } from '../contract/errors.js';
import type { Stores } from '../outside/stores.js';
import type { DoNotContactEntry } from '../outside/surveys/do-not-contact.js';
import type { Runs } from '../outside/temporal/runs.js';
import { falseIfRefused, ignoreUnavailable } from './errors.js';

export class CustomerService {
  constructor(
    private readonly stores: Stores,
    private readonly runs: Runs,
  ) {}

  /** Removes a customer's personal data and revokes their open surveys. Returns the number of reports. Throws `NotFound`. */
  async erase(customerId: string, by: string): Promise<number> {
    const ids = await this.stores.erasure.erase(customerId);
    const revoke = (id: string) => this.runs.update('revokeSurvey', id, { by }).catch(falseIfRefused);
    // Everything is erased: without Temporal, runs learn of it when they look the next time.
    for (const id of ids) if ((await revoke(id).catch(ignoreUnavailable)) === undefined) break;
    return ids.length;
  }

  /** Number of a customer's reports. */
  countOf(customerId: string): Promise<number> {
    return this.stores.erasure.countOf(customerId);
  }

  /** Number of reports that `forgetEnded` would change. */
  countEnded(days: number): Promise<number> {
    return this.stores.erasure.countEnded(days);
  }

  /** Removes personal data from reports that ended so many days ago and whose surveys are over. Returns the number of reports. */
  forgetEnded(days: number): Promise<number> {
    return this.stores.erasure.forgetEnded(days);
  }

  /** The report of a survey was deleted after its mail was sent. */
  async isRemoved(surveyId: string): Promise<boolean> {
    return (await this.stores.doNotContact.removedMailedTo(surveyId)) !== undefined;
  }

  /** `optOut` and `undoOptOut` for a survey whose report was deleted. Throws `NotFound`. Safe to repeat. */
  async optOutOfRemoved(surveyId: string, isUndone: boolean): Promise<void> {
    const { doNotContact } = this.stores;
    const addressHash = await doNotContact.removedMailedTo(surveyId);
    if (addressHash === undefined) throw new CloseoutError('NotFound', `There is no survey ${surveyId}.`);
    await (isUndone
      ? doNotContact.undoOptOutOfRemoved(addressHash)
      : doNotContact.optOutOfRemoved(addressHash, 'link'));
  }

  /** Opt-outs and suppressed addresses, newest first. */
  doNotContact(limit: number): Promise<DoNotContactEntry[]> {
    return this.stores.doNotContact.list(limit);
  }

  /** The contact of a report may be mailed again. Returns false if it might be before. Throws `ReportNotFound`, `StatusConflict`. */
  async allowContact(reportId: string): Promise<boolean> {
    await this.stores.reports.get(reportId);
    const contact = await this.stores.reports.contactOf(reportId);
    if (!contact?.emailAddress) throw new CloseoutError('StatusConflict', `Report ${reportId} has no address.`);
    return this.stores.doNotContact.lift(contact.emailAddress);
  }
}
