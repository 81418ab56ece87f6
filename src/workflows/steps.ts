/** The activities as the process calls them: how long one try may take, how it is retried, what the UI calls it. */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

/** 1 s, 2 s, 4 s … at most 5 min apart; how long in all is the policy's to say. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '5m' } as const;

/** Every activity heartbeats while it works, so a killed worker's step is taken over after 4 s, not after `startToClose`. */
const common = {
  retry,
  heartbeatTimeout: '4s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
} as const;

const step = (summary: string) => proxyActivities<Activities>({ ...common, startToCloseTimeout: '30s', summary });
/** One SMTP conversation may take longer than any database call: see the mailer's timeouts. */
const mailStep = (summary: string) => proxyActivities<Activities>({ ...common, startToCloseTimeout: '3m', summary });

export const { lookUpReport } = step('Look the report up in the system of record');
export const { closeReport } = step('Close the report in the system of record');
export const { reopenReport } = step('Reopen the report and start its next cycle');
export const { settleConfirmation } = step('No longer wait for the customer to confirm');
export const { cancelReport } = step('Cancel the report');
export const { endSurvey } = step('End the survey');
export const { extendSurvey } = step('Let the customer answer for longer');
export const { openFollowUp } = step('Open a report that follows this one');
const longStep = (summary: string) => proxyActivities<Activities>({ ...common, startToCloseTimeout: '5m', summary });
export const { sweepPage } = longStep('Look at a page of reports and tell the runs what they missed');
export const { tellAnswers } = longStep('Tell the runs of answers they were not told of');
export const { noteSweep } = step('Keep the result of the sweep');
export const { clearReports } = longStep('Tell the runs of the next reports that the fault is gone');
export const { countReports } = step('Count the reports of the service problem');
export const { forgetEndedReports } = proxyActivities<Activities>({
  ...common,
  startToCloseTimeout: '1h',
  summary: 'Remove who the customers of old reports were',
});
export const { askConfirmation } = mailStep('Ask the customer whether it is fixed');
export const { sendSurvey } = mailStep('Ask the customer whether they are satisfied');
export const { alertOperator } = mailStep('Mail the operator');
export const { sendReply } = mailStep('Mail the customer what an operator wrote');

/** Options for one call whose tries end after `ms` in all. */
export const forAtMost = (ms: number, { isBulk }: { isBulk: boolean }) => ({
  scheduleToCloseTimeout: Math.max(1000, ms),
  // 3 is what every other task has; a server without priorities ignores it.
  // Not handed straight back to the worker either: it would pass over the queue in which others come first.
  ...(isBulk ? { priority: { priorityKey: 5 }, allowEagerDispatch: false } : {}),
});
