/** Delivers an operator's reply to a customer. The text stays in the database. */
import { retryWhileRelayRefusesUs } from './relay.js';
import * as steps from './steps.js';

export async function replyToCustomer({ storedMessageId }: { storedMessageId: string }): Promise<void> {
  await retryWhileRelayRefusesUs(() => steps.sendReply({ storedMessageId }));
}
