/**
 * Sends a customer's mail within the workflow task of its run. Few at a time, so that a relay or session that hangs does not delay
 * closings.
 */
import { AsyncResource } from 'node:async_hooks';
import { ApplicationFailure } from '@temporalio/common';
import { BulkheadRejectedError, TaskCancelledError, bulkhead } from 'cockatiel';
import type { Activities } from './index.js';

type Mails = Pick<Activities, 'askConfirmation' | 'sendSurvey'>;

/** How many mails are handed over at once, and how many more may wait for their turn. */
export interface MailSlots {
  sending: number;
  waiting: number;
}

/** How long a mail waits for its turn; ms. Longer than a relay that answers takes for a mail. */
const turnTimeout = 500;

/**
 * The activities of the queue of mails, with the connections of that queue. A mail whose turn does not come soon fails, and then waits
 * in that queue; `noteQueued` records that. So do all of them while the relay is slow: until a workflow task ends, its run handles no
 * other message.
 */
export function mailAtOnce(
  { askConfirmation, sendSurvey }: Mails,
  { sending, waiting }: MailSlots,
  isSlow: () => boolean,
  noteQueued: (reportId: string) => Promise<void>,
): Mails {
  const places = bulkhead(sending, waiting);
  const queue = async (reportId: string): Promise<never> => {
    await noteQueued(reportId);
    throw waitsForItsTurn();
  };
  const limited =
    <I, R>(send: (request: I) => Promise<R>, reportIdOf: (request: I) => string) =>
    async (request: I): Promise<R> => {
      if (isSlow()) return queue(reportIdOf(request));
      if (places.executionSlots > 0) return places.execute(() => send(request));
      const soon = AbortSignal.timeout(turnTimeout);
      let isSending = false;
      // Otherwise it would run in the async context of the mail whose place it takes, and be cancelled with that mail.
      const sendInOwnContext = AsyncResource.bind(() => {
        isSending = true;
        return send(request);
      });
      const turn = places.execute(sendInOwnContext, soon);
      const tooLate = new Promise<never>((_, reject) =>
        soon.addEventListener('abort', () => !isSending && reject(new TaskCancelledError())),
      );
      return Promise.race([turn, tooLate]).catch((error: unknown) => {
        if (error instanceof BulkheadRejectedError || error instanceof TaskCancelledError)
          return queue(reportIdOf(request));
        throw error;
      });
    };
  return {
    askConfirmation: limited(askConfirmation, ({ fence }) => fence.reportId),
    sendSurvey: limited(sendSurvey, ({ reportId }) => reportId),
  };
}

const waitsForItsTurn = () =>
  ApplicationFailure.create({
    type: 'MailUnavailable',
    message: 'The mail waits for its turn.',
    nextRetryDelay: '1s',
    category: 'BENIGN',
  });
