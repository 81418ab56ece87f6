/** What an operator wrote to a customer, on its way until the relay takes it. The words stay in the database. */
import { untilTaken } from './alert-operator.js';
import * as steps from './steps.js';

export async function replyToCustomer({ messageId }: { messageId: string }): Promise<void> {
  await untilTaken(() => steps.sendReply({ messageId }));
}
