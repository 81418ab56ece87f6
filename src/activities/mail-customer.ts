import { cancellationSignal } from '@temporalio/activity';
import type { Mail } from '../customer/mail.js';
import { now } from '../outside/database/clock.js';
import { isFinalRefusal } from '../policy/delivery.js';
import { hour, later } from '../policy/time.js';
import type { Deps } from './deps.js';
import { mailVerdict } from './to-failure.js';

/** Shows the sweep that the run of a report is alive, although its mail has to wait. */
export const noteMailWaits = ({ ledger }: Pick<Deps, 'ledger'>, reportId: string): Promise<void> =>
  ledger.expect(reportId, later(now(), 2 * hour));

/**
 * Hands a mail to the relay. An address that the relay refuses permanently goes on the suppression list.
 * `noteRefusal` notes that a mail is refused permanently, and so not tried again.
 */
export async function mailCustomer(
  deps: Deps,
  reportId: string,
  mail: Mail,
  noteRefusal?: (code: string) => Promise<void>,
): Promise<void> {
  const { mailer, doNotContact } = deps;
  try {
    await mailer.send(mail, cancellationSignal());
  } catch (error) {
    const verdict = mailVerdict(error);
    if (verdict?.code === 'RecipientRefused')
      await doNotContact.suppress(doNotContact.hashOf(mail.to.address), {
        reason: verdict.reason,
        source: 'rcpt',
        reportId,
      });
    await noteMailWaits(deps, reportId);
    if (verdict && isFinalRefusal(verdict.code)) await noteRefusal?.(verdict.code);
    throw error;
  }
}
