import { cancellationSignal } from '@temporalio/activity';
import type { Mail } from '../customer/mail.js';
import type { Deps } from './deps.js';
import { mailVerdict } from './to-failure.js';

/** Hands a mail to the relay. An address that the relay refuses for good is not written to again. */
export async function mailCustomer({ mailer, surveys }: Deps, mail: Mail, addressHash: string): Promise<void> {
  try {
    await mailer.send(mail, cancellationSignal());
  } catch (error) {
    const verdict = mailVerdict(error);
    if (verdict?.code === 'RecipientRefused') await surveys.suppress(addressHash, verdict.said, 'rcpt');
    throw error;
  }
}
