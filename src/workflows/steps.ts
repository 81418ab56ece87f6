/** The activities as the process calls them: how long an attempt may take, how it is retried, and its name in the UI. */
import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { bulkQueue, mailQueue, systemQueueOf } from '../contract/messages.js';
import type { Policy } from '../policy/settings.js';

/** After 1 s, 2 s, 4 s … at most 5 min apart. The policy limits how long in all. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '5m' } as const;

/** Every activity heartbeats while it works, so a killed worker's step is taken over after 4 s, not after `startToClose`. */
const common = {
  retry,
  heartbeatTimeout: '4s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
} as const;

const step = (summary: string) => proxyActivities<Activities>({ ...common, startToCloseTimeout: '30s', summary });
/**
 * An SMTP conversation may take longer than any database call: see the mailer's timeouts. One that is cancelled is waited for, so
 * that two never hand over the same mail.
 */
const mailOptions = {
  ...common,
  startToCloseTimeout: '3m',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
} as const;
const mailStep = (summary: string) => proxyActivities<Activities>({ ...mailOptions, taskQueue: mailQueue, summary });
const bulkStep = (summary: string, startToCloseTimeout: '5m' | '1h' = '5m') =>
  proxyActivities<Activities>({ ...common, taskQueue: bulkQueue, startToCloseTimeout, summary });

export const { lookUpReport } = step('Look the report up in the system of record');
export const { closeReport } = step('Close the report in the system of record');
export const { reopenReport } = step('Reopen the report');
export const { cancelReport } = step('Cancel the report');
export const { endReportInLedger } = step('Record that the report was left as it is in its system');
export const { resolveConfirmation } = step('Stop waiting for the customer to confirm');
export const { recordDecision } = step('Record the decision');
export const { recordDelivery } = step('Record that another channel has delivered the survey');
export const { endSurvey } = step('End the survey');
export const { extendSurvey } = step('Give the customer more time to answer');
export const { openFollowUp } = step('Open a follow-up report');
export const { alertOperator } = mailStep('Mail the operator');
export const { giveUpReply } = step("Record that the operator's reply is not mailed");
export const { sendReply } = mailStep("Mail an operator's reply to the customer");
export const { findRestored } = bulkStep('Find out whether a database was restored');
export const { wakeUnfinished } = bulkStep('Wake the runs of reports that are not done', '1h');
export const { restoreLedger } = bulkStep('Restore the ledger from what the runs know', '1h');
export const { recordSweep } = bulkStep('Record the result of the sweep');
export const { sweepReports } = bulkStep('Wake the runs of reports with a problem', '1h');
export const { clearReports } = bulkStep('Clear the next reports of the service problem');
export const { countReports } = bulkStep('Count the reports of the service problem');
export const { forgetEndedReports } = bulkStep('Remove personal data from old reports', '1h');

/** The same activity, tried once inside the workflow task, where it costs one event. The regular one follows if it fails. */
const localStep = (summary: string, startToCloseTimeout: '5s' | '3m') =>
  proxyLocalActivities<Activities>({ retry: { maximumAttempts: 1 }, startToCloseTimeout, summary });
const atOnce = (summary: string) => localStep(summary, '5s');

export const { recordAnswerHandled } = step('Record that the answer was handled');
export const { recordAnswerHandled: recordAnswerAtOnce } = atOnce('Record that the answer was handled');
export const { closeReport: closeAtOnce } = atOnce('Close the report, or record that it is cleared');

const mailStepAtOnce = (summary: string) => localStep(summary, mailOptions.startToCloseTimeout);
const askConfirmation = 'Ask the customer whether the problem is fixed';
const sendSurvey = 'Ask the customer whether they are satisfied';
/** A mail to a customer, tried once inside the workflow task; and in the queue where mails take turns and are retried. */
export const mailAtOnce = {
  askConfirmation: mailStepAtOnce(askConfirmation).askConfirmation,
  sendSurvey: mailStepAtOnce(sendSurvey).sendSurvey,
};
export const mailInTurn = {
  askConfirmation: mailStep(askConfirmation).askConfirmation,
  sendSurvey: mailStep(sendSurvey).sendSurvey,
};
export type MailSteps = typeof mailAtOnce | typeof mailInTurn;

/** Options for one call that is retried for as long as the policy says. */
export const untilGivenUp = ({ policy, isBulk }: { policy: Pick<Policy, 'closing'>; isBulk: boolean }) =>
  forAtMost(policy.closing.giveUpAfter, { isBulk });

/** Options for one call whose attempts end after `ms` in all. */
export const forAtMost = (ms: number, { isBulk }: { isBulk: boolean }) => ({
  scheduleToCloseTimeout: Math.max(1000, ms),
  ...urgencyOf(isBulk),
});

/** Options for one attempt. */
export const once = ({ isBulk }: { isBulk: boolean }) => ({ retry: { maximumAttempts: 1 }, ...urgencyOf(isBulk) });

/** All other tasks have priority 3; a server without priorities ignores it. */
const urgencyOf = (isBulk: boolean) => (isBulk ? { priority: { priorityKey: 5 } } : {});

/**
 * Steps in an external system have a task queue per system: one that hangs holds up only its own reports. One that is cancelled is waited
 * for, so that the run knows what it did.
 */
export const inSystem = <T extends object>(system: string | undefined, options: T) =>
  system === undefined
    ? options
    : {
        ...options,
        taskQueue: systemQueueOf(system),
        startToCloseTimeout: '2m' as const,
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        allowEagerDispatch: false,
      };
