/** A customer's mail in the queue of its run: so few at once that a relay or a session that hangs holds up no closing. */
import { ApplicationFailure } from '@temporalio/common';
import { BulkheadRejectedError, bulkhead } from 'cockatiel';
import type { Activities } from './index.js';

type Mails = Pick<Activities, 'askConfirmation' | 'sendSurvey'>;

/** The activities of the queue of mails, with the connections of that queue. One too many fails, and then waits there for its turn. */
export function mailAtOnce({ askConfirmation, sendSurvey }: Mails, limit: number): Mails {
  const slots = bulkhead(limit, 0);
  const limited =
    <I, R>(send: (request: I) => Promise<R>) =>
    (request: I): Promise<R> =>
      slots.execute(() => send(request)).catch(benignIfFull);
  return { askConfirmation: limited(askConfirmation), sendSurvey: limited(sendSurvey) };
}

function benignIfFull(error: unknown): never {
  if (!(error instanceof BulkheadRejectedError)) throw error;
  throw ApplicationFailure.create({
    type: 'MailUnavailable',
    message: 'The mail waits for its turn.',
    nextRetryDelay: '1s',
    category: 'BENIGN',
  });
}
