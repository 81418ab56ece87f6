import { cancellationSignal } from '@temporalio/activity';
import type { Mail } from '../customer/mail.js';
import type { Deps } from './deps.js';
import { mailVerdict } from './to-failure.js';

/** Hands a mail to the relay. An address that the relay refuses permanently goes on the suppression list. */
export async function mailCustomer({ mailer, doNotContact }: Deps, mail: Mail): Promise<void> {
  try {
    await mailer.send(mail, cancellationSignal());
  } catch (error) {
    const verdict = mailVerdict(error);
    if (verdict?.code === 'RecipientRefused') await doNotContact.suppress(mail.to.address, verdict.reason, 'rcpt');
    throw error;
  }
}
