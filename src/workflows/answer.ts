/** The customer's answer: a low score alerts an operator, and "not solved" reopens the report or opens a new one. */
import type { AnsweredSignal } from '../contract/messages.js';
import { isInReopenWindow } from '../policy/links.js';
import { alertsOperator, alertsUpTo } from '../policy/survey.js';
import { raiseAlert } from './alert-operator.js';
import { undefinedIfFailed } from './failure.js';
import { fromNow, reopenForCustomer, type RunState } from './run.js';
import * as steps from './steps.js';
import { attemptOrPark } from './waiting.js';

/** True once the customer answered this cycle's survey. */
export const isAnswered = ({ answer, survey }: RunState): boolean =>
  answer !== undefined && survey.id === answer.surveyId;

/** The answer has a revision that was not acted on yet. */
export const hasNewAnswer = (run: RunState): boolean =>
  isAnswered(run) && (run.answer?.revision ?? 1) > run.actedOnRevision;

/** Handles the answer, and its change if one arrives meanwhile. `cycle`: that of the survey, if the report's next one has begun. */
export async function handleAnswer(run: RunState, cycle = run.cycle): Promise<void> {
  run.survey = { ...run.survey, state: 'answered' };
  while (run.answer && hasNewAnswer(run)) {
    const { answer } = run;
    await handleAnswerOnce(run, answer, cycle);
    // One that reopens the report is handled once the next cycle has begun.
    if (run.state === 'closed') await recordHandled(run, answer);
    run.actedOnRevision = answer.revision ?? 1;
  }
}

/** A successor of this run does not act on this revision of the answer again. */
export async function recordHandled(run: RunState, { surveyId = '', revision = 1 }: AnsweredSignal): Promise<void> {
  const answer = { reportId: run.reportId, surveyId, revision };
  if (await steps.recordAnswerAtOnce(answer).then(() => true, undefinedIfFailed)) return;
  const step = () => steps.recordAnswerHandled.executeWithOptions(steps.untilGivenUp(run), [answer]);
  await attemptOrPark(run, { name: 'recordAnswerHandled', step });
}

/** A low score alerts an operator, and so may a changed one; "not solved" reopens the report. */
async function handleAnswerOnce(run: RunState, answer: AnsweredSignal, cycle: number): Promise<void> {
  const { reportId, survey } = run;
  const { score, scale, solved, revision = 1, answeredAt = fromNow(0), reopenUntil = survey.reopenUntil } = answer;
  const scoreAtMost = alertsUpTo(run.policy.alert, scale);
  if (alertsOperator({ score, solved }, scoreAtMost) || revision > 1)
    await raiseAlert({ kind: 'answer', reportId, cycle, revision, scoreAtMost });
  if (solved !== false || run.state !== 'closed') return;
  // As the page has said, however late the answer comes here.
  if (isInReopenWindow(reopenUntil, new Date(answeredAt))) reopenForCustomer(run);
  else await openFollowUp(run);
}

/** Too late to reopen: opens a new report that refers to this one, with a run of its own. */
async function openFollowUp(run: RunState): Promise<void> {
  const { reportId, cycle } = run;
  await attemptOrPark(run, {
    name: 'openFollowUp',
    stop: () => run.state !== 'closed', // it is reopened, so the follow-up is not needed
    step: () =>
      steps.openFollowUp.executeWithOptions(steps.inSystem(run.system, steps.untilGivenUp(run)), [{ reportId, cycle }]),
  });
}
