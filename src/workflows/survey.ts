/** The survey of one cycle: ask, wait, remind once, heed the answer. Nothing that happens here undoes the closing. */
import { condition } from '@temporalio/workflow';
import { taskQueue, workflowType, type AnsweredSignal } from '../contract/messages.js';
import { workflowIdOf } from '../contract/ids.js';
import type { SendSurvey } from '../activities/send-survey.js';
import type { EndSurvey } from '../activities/end-survey.js';
import { callsOperator, isBadAddress, reopens } from '../policy/survey.js';
import { callOperator } from './alert-operator.js';
import { deliver, type Over } from './deliver-mail.js';
import { fromNow, isOnPage, mustPassOn, noteCustomersNo, policyOf, type Run } from './run.js';
import { startOnce } from './start-once.js';
import * as steps from './steps.js';
import { show } from './visibility.js';

/** Waits for the policy's delay, then asks; the page of a confirmation asks at once. */
export async function ask(run: Run, over: Over): Promise<void> {
  const { survey } = policyOf(run);
  if (run.bounced !== undefined) return end(run, 'undeliverable', { reason: run.bounced }); // the mail before the closing
  if (survey.enabled && survey.delay > 0 && !run.skipSurvey && !isOnPage(run)) {
    show(run, { waitingFor: 'the delay before the survey', until: fromNow(survey.delay) });
    await condition(() => over() || run.skipSurvey, survey.delay, { summary: 'Delay before the survey' });
  }
  await send(run, 'survey', over);
}

/** Waits for an answer; sends the one reminder and ends the survey when their time comes. */
export async function listen(run: Run, over: Over): Promise<void> {
  const { remindAt, expiresAt } = deadlines(run);
  const deadline = remindAt ?? expiresAt;
  show(run, { waitingFor: "the customer's answer", until: expiresAt });
  const summary = remindAt ? 'Until the reminder' : 'Until the survey expires';
  const left = Date.parse(deadline) - Date.now();
  const asked = () => run.requests.length > 0 || run.bounced !== undefined;
  const woken = () => over() || asked() || mustPassOn();
  if (left > 0 && (await condition(woken, left, { summary }))) {
    if (!over() && asked()) await heedOthers(run, over);
  } else if (remindAt) {
    run.reminded = true;
    await send(run, 'reminder', over);
  } else {
    await end(run, 'expired');
  }
}

/** A bounce, which says that nobody will ever answer; else what an operator asked for next. */
async function heedOthers(run: Run, over: Over): Promise<void> {
  const { reportId, cycle, bounced } = run;
  if (bounced !== undefined) {
    await end(run, 'undeliverable', { reason: bounced });
    if (!isBadAddress(bounced)) await callOperator({ kind: 'undeliverable', reportId, cycle, failure: bounced });
    return;
  }
  const request = run.requests.shift();
  switch (request?.name) {
    case 'resendSurvey':
      return send(run, 'survey', over, request.by);
    case 'revokeSurvey':
      return end(run, 'expired', { reason: 'revoked', by: request.by });
    case 'extendSurvey': {
      const until = new Date(Date.parse(deadlines(run).expiresAt) + (request.days ?? 0) * day).toISOString();
      run.survey = await steps.extendSurvey({ reportId, cycle, until, by: request.by });
    }
  }
}

/** Mails the customer, or notes why not. What the relay refuses for good makes the survey undeliverable. */
async function send(run: Run, kind: SendSurvey['kind'], over: Over, againFor?: string): Promise<void> {
  const { reportId, cycle } = run;
  const { survey, reopen } = policyOf(run);
  const giveUpAt = Date.now() + survey.expiresAfter;
  const step = () =>
    steps.sendSurvey.executeWithOptions(steps.forAtMost(giveUpAt - Date.now(), run), [
      {
        ...{ reportId, cycle, kind, policy: survey, reopenWithin: reopen.within },
        ...{ byOperator: run.skipSurvey, ...(againFor ? { againFor } : {}) },
      },
    ]);
  const waitingFor = 'the survey mail to be accepted';
  const { sent, refused: failure } = await deliver(run, {
    ...{ name: 'sendSurvey', step, waitingFor, over, giveUpAt },
    woken: () => over() || run.skipSurvey,
  });
  if (sent) run.survey = sent;
  if (failure) await refused(run, kind === 'survey' && !againFor, failure);
}

/** Nobody was asked. A reminder or a second copy that is refused leaves the survey open: its first mail did arrive. */
async function refused(run: Run, isFirst: boolean, failure: string): Promise<void> {
  const { reportId, cycle } = run;
  if (isFirst) await end(run, 'undeliverable', { reason: failure });
  if (failure !== 'RecipientRefused') await callOperator({ kind: 'undeliverable', reportId, cycle, failure });
}

async function end(run: Run, as: EndSurvey['as'], why: Pick<EndSurvey, 'reason' | 'by'> = {}): Promise<void> {
  const { reportId, cycle } = run;
  run.survey = await steps.endSurvey({ reportId, cycle, as, ...why });
}

function deadlines(run: Run): { remindAt?: string; expiresAt: string } {
  const { expiresAfter, reminderAfter } = policyOf(run).survey;
  const sentAt = Date.parse(run.survey.sentAt ?? new Date().toISOString());
  const expiresAt = run.survey.expiresAt ?? new Date(sentAt + expiresAfter).toISOString();
  const isReminded = run.reminded || isOnPage(run); // its warning was the one reminder
  if (reminderAfter === null || isReminded || sentAt + reminderAfter >= Date.parse(expiresAt)) return { expiresAt };
  return { remindAt: new Date(sentAt + reminderAfter).toISOString(), expiresAt };
}

/** True once the customer answered this cycle's survey. */
export const isAnswered = ({ answer, survey }: Run): boolean =>
  answer !== undefined && (survey.id === undefined || survey.id === answer.surveyId);

/** Heeds the answer, and its change if one comes meanwhile. */
export async function heed(run: Run): Promise<void> {
  run.survey = { ...run.survey, state: 'answered' };
  for (let heeded: AnsweredSignal | undefined; run.answer && run.answer !== heeded;) {
    heeded = run.answer;
    await heedOnce(run, heeded);
  }
}

/** A low score calls an operator, and so may a changed one; "not solved" reopens. */
async function heedOnce(run: Run, { score, solved, revision = 1 }: AnsweredSignal): Promise<void> {
  const { reportId, cycle } = run;
  if (callsOperator({ score, solved }, policyOf(run).alert) || revision > 1) {
    await callOperator({ kind: 'answer', reportId, cycle, revision, scoreAtMost: policyOf(run).alert.scoreAtMost });
  }
  if (solved !== false || run.situation.status !== 'closed') return;
  if (!reopens(run.survey.reopenUntil, Date.now())) return openFollowUp(run);
  noteCustomersNo(run);
}

/** Too late to reopen: a new report that refers to this one, with a run of its own. */
async function openFollowUp({ reportId, cycle }: Run): Promise<void> {
  const followUp = await steps.openFollowUp({ reportId, cycle });
  await startOnce(workflowType, {
    workflowId: workflowIdOf(followUp),
    taskQueue,
    args: [{ reportId: followUp }],
    staticSummary: `Close problem report ${followUp}`,
  });
}

const day = 24 * 60 * 60 * 1000;
