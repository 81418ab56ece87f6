/** Delivers an operator's reply to a customer. The text stays in the database. */
import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import { codeOf, failureOf } from './failure.js';
import { retryWhileRelayRefusesUs } from './relay.js';
import * as steps from './steps.js';

export async function replyToCustomer({ storedMessageId }: { storedMessageId: string }): Promise<void> {
  try {
    await retryWhileRelayRefusesUs(() =>
      steps.sendReply.executeWithOptions({ scheduleToCloseTimeout: '5d' }, [{ storedMessageId }]),
    );
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    const failure = codeOf(failureOf(error));
    await steps.giveUpReply({ storedMessageId, failure });
    await retryWhileRelayRefusesUs(() => steps.alertOperator({ kind: 'reply', storedMessageId, failure }));
  }
}
