/** Delivers an operator's reply to a customer. The text stays in the database. */
import { retryUntilRelayAccepts } from './alert-operator.js';
import * as steps from './steps.js';

export async function replyToCustomer({ messageId }: { messageId: string }): Promise<void> {
  await retryUntilRelayAccepts(() => steps.sendReply({ messageId }));
}
