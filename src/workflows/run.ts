/** What one run knows, and the messages that tell it more. Handlers only note facts; the process acts on them. */
import {
  ApplicationFailure,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { workflowIdOf } from '../contract/ids.js';
import {
  queries,
  signals,
  updates,
  type AnsweredSignal,
  type BouncedSignal,
  type ChangeSignal,
  type ConfirmedSignal,
  type OperatorRequest,
  type SurveyRequest,
  type UpdateName,
} from '../contract/messages.js';
import type {
  Attention,
  ChangeKind,
  ConfirmationRecord,
  Phase,
  RunInput,
  RunStatus,
  SurveyRecord,
  SurveyView,
} from '../contract/reports.js';
import { apply, instantOf, isLate, type Change, type Situation } from '../policy/status.js';
import { defaultPolicy, type Policy } from '../policy/settings.js';

/** State of a run: plain JSON, so that it can be handed on whole by continue-as-new. */
export interface Run {
  reportId: string;
  phase: Phase;
  cycle: number;
  situation: Situation;
  /** Set by a reopening, until it is acted on. It may be followed by `cleared` before we look. */
  reopenedAt?: string;
  /** ISO 8601: when this run received the change to cleared, whatever time it states. */
  clearReceivedAt?: string;
  /** Who reported the last change; goes into the status history of the report. */
  changedBy?: string;
  customerId?: string;
  serviceProblemId?: string;
  /** Known once the report was looked up. */
  policy?: Policy;
  survey: SurveyRecord;
  reminded: boolean;
  answer?: AnsweredSignal;
  /** Status of the bounce that came in for this cycle's survey. */
  bounced?: string;
  /** Whether the customer says that it is fixed; of this clearing. */
  confirmation?: ConfirmationRecord & { warnAt?: string; isOverdue?: boolean };
  /** What the last signal `confirmed` said, whatever it is about. */
  said?: Required<ConfirmedSignal>;
  /** The operator who does not want the customer's confirmation waited for. */
  releasedBy?: string;
  attention?: Attention;
  waitingFor: string;
  until?: string;
  /** What operators asked for. `retries` counts `retryNow`, so that a waiting step can see a new one. */
  held: boolean;
  /** The cycle that an operator was told of because there were so many. */
  escalated?: number;
  /** Cleared together with very many others. */
  isBulk: boolean;
  retries: number;
  skipSurvey: boolean;
  requests: SurveyRequest[];
  closeByHand: boolean;
  /** Status changes that came before the report was looked up. */
  early?: Change[];
}

/** State first, handlers second, nothing awaited between: messages that came before the run began are not lost. */
export function beginRun(input: RunInput): Run {
  const run = (input?.carried as Run | undefined) ?? newRun(input);
  for (const kind of ['cleared', 'reopened', 'cancelled'] as const) listenForChange(run, kind);
  setHandler(defineSignal<[AnsweredSignal?]>(signals.answered), (answer) => noteAnswer(run, answer), {
    description: 'The customer answered the survey; sent by the survey page once the answer is stored.',
  });
  setHandler(defineSignal<[BouncedSignal?]>(signals.bounced), (bounce) => noteBounce(run, bounce), {
    description: 'The survey mail came back; sent when a bounce was received.',
  });
  setHandler(defineSignal<[ConfirmedSignal?]>(signals.confirmed), (confirmed) => noteConfirmed(run, confirmed), {
    description: 'The customer said whether a cleared report is fixed; sent by the page once that is stored.',
  });
  setHandler(defineSignal(signals.opened), () => noteOpened(run), {
    description: 'The report was stored after this run began; sent by whoever opened it.',
  });
  setHandler(defineQuery<RunStatus>(queries.status), () => statusOf(run), {
    description: 'Phase, cycle, what the run waits for and until when, survey, and what needs attention.',
  });
  listenForOperators(run);
  return run;
}

function newRun(input: RunInput): Run {
  const { workflowId } = workflowInfo();
  if (typeof input?.reportId !== 'string' || workflowId !== workflowIdOf(input.reportId)) {
    throw ApplicationFailure.nonRetryable(
      `Input must be { "reportId": "ID" } and the workflow id "${workflowIdOf('ID')}" with the same ID; this run is "${workflowId}".`,
      'BadInput',
    );
  }
  return {
    reportId: input.reportId,
    phase: 'open',
    cycle: 0,
    situation: { status: 'open', at: null },
    waitingFor: 'the report to be looked up',
    held: false,
    isBulk: false,
    retries: 0,
    ...freshCycle(),
    early: [],
  };
}

/** What every cycle begins with. */
export const freshCycle = () => ({
  survey: { state: 'none' } as SurveyRecord,
  reminded: false,
  skipSurvey: false,
  requests: [] as SurveyRequest[],
  closeByHand: false,
});

export const policyOf = (run: Run): Policy => run.policy ?? defaultPolicy;
export const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();
export const mustPassOn = (): boolean => workflowInfo().continueAsNewSuggested;

const tells: Record<ChangeKind, string> = {
  cleared: 'The fault is gone (TMF621: resolved). Payload optional: { "at": ISO time, "by", "note" }.',
  reopened: 'The problem is back or was not solved. Payload optional: { "at": ISO time, "by", "reason" }.',
  cancelled:
    'The report was raised in error; it is ended without a survey. Payload optional: { "at", "by", "reason" }.',
};

function listenForChange(run: Run, kind: ChangeKind): void {
  setHandler(
    defineSignal<[ChangeSignal?]>(signals[kind]),
    (payload) => {
      const change = { kind, at: instantOf(payload?.at, Date.now()) };
      if (run.early) run.early.push(change);
      else noteChange(run, change);
      if (typeof payload?.by === 'string') run.changedBy = payload.by;
      else delete run.changedBy;
      run.isBulk = payload?.bulk === true;
    },
    { description: tells[kind] },
  );
}

export function noteChange(run: Run, change: Change): void {
  const before = run.situation;
  run.situation = apply(before, change);
  if (run.situation !== before && change.kind === 'reopened') run.reopenedAt = change.at;
  if (run.situation.status === 'cleared' && before.status !== 'cleared') run.clearReceivedAt = fromNow(0);
}

/** The customer says that it is not fixed: never late, whoever's clock is ahead. */
export function noteCustomersNo(run: Run): void {
  const now = new Date().toISOString();
  noteChange(run, { kind: 'reopened', at: isLate(now, run.situation.at) ? (run.situation.at ?? now) : now });
  run.changedBy = 'customer';
}

/** A score counts when it is 1 to 5; an answer to another survey than this cycle's is not ours. */
function noteAnswer(run: Run, answer: AnsweredSignal | undefined): void {
  if (!isAboutOurSurvey(run, answer)) return;
  const { surveyId, score, solved, revision } = answer;
  if ((revision ?? 1) < (run.answer?.revision ?? 1)) return; // came late
  run.answer = {
    surveyId,
    ...(score && [1, 2, 3, 4, 5].includes(score) ? { score } : {}),
    ...(typeof solved === 'boolean' ? { solved } : {}),
    ...(typeof revision === 'number' ? { revision } : {}),
  };
}

/** Looks the report up again at once, unless it was found already. */
function noteOpened(run: Run): void {
  if (run.early) run.retries++;
}

function noteConfirmed(run: Run, confirmed: ConfirmedSignal | undefined): void {
  const { surveyId, clearedAt, fixed } = confirmed ?? {};
  if (typeof surveyId !== 'string' || typeof clearedAt !== 'string' || typeof fixed !== 'boolean') return;
  if (run.said && isLate(clearedAt, run.said.clearedAt)) return; // of an earlier clearing, and came late
  run.said = { surveyId, clearedAt, fixed };
}

function noteBounce(run: Run, bounce: BouncedSignal | undefined): void {
  if (isAboutOurSurvey(run, bounce)) run.bounced = typeof bounce.reason === 'string' ? bounce.reason : 'bounced';
}

function isAboutOurSurvey<T extends { surveyId?: string }>(run: Run, message: T | undefined): message is T {
  const { surveyId } = message ?? {};
  if (typeof surveyId !== 'string') return false;
  if (run.confirmation?.surveyId === surveyId) return true;
  if (run.phase !== 'surveying' && !run.early) return false;
  return run.survey.id === undefined || run.survey.id === surveyId;
}

interface Operation {
  description: string;
  /** Why the request does not fit now; undefined: it does. */
  refuse: (run: Run, request: OperatorRequest) => string | undefined;
  note: (run: Run, request: OperatorRequest) => void;
}

const notBefore = (phases: Phase[], hint: string) => (run: Run) =>
  phases.includes(run.phase) ? undefined : `${hint}; this report is in phase ${run.phase}`;

/** It is being asked, or about to be, whether it is fixed. */
const asksBeforeClosing = (run: Run): boolean =>
  policyOf(run).confirmation != null && (run.phase === 'clearing' || run.attention?.step === 'askConfirmation');

const whileTrying = notBefore(
  ['closing', 'surveying', 'needsAttention'],
  'There is a step to retry only while closing, surveying or in needsAttention',
);

const whileSent = ({ survey: { state } }: Run) =>
  state === 'sent' ? undefined : `There is no open survey: it is ${state}`;

const request =
  (name: SurveyRequest['name']) =>
  (run: Run, { by, days }: OperatorRequest): void => {
    run.requests.push({ name, by: typeof by === 'string' ? by : 'operator', ...(days ? { days } : {}) });
  };

const operations: Record<UpdateName, Operation> = {
  retryNow: {
    description: 'Try the waiting or refused step again at once.',
    refuse: (run) => (asksBeforeClosing(run) ? undefined : whileTrying(run)),
    note: (run) => void run.retries++,
  },
  hold: {
    description: 'Do not close this report, even when it is cleared, until it is released.',
    refuse: notBefore(['open', 'clearing'], 'Only a report that is not yet being closed can be held'),
    note: (run) => void (run.held = true),
  },
  release: {
    description: 'Let a held report go on; one that waits for its customer to confirm is closed without that.',
    refuse: (run) =>
      run.held || asksBeforeClosing(run) ? undefined : 'This report is not held, nor does it wait for its customer',
    note: (run, { by }) => {
      // One that was held before its customer was asked is asked now.
      if (asksBeforeClosing(run) && (run.confirmation || !run.held))
        run.releasedBy = typeof by === 'string' ? by : 'operator';
      run.held = false;
    },
  },
  skipSurvey: {
    description: 'Close without asking the customer.',
    refuse: (run) =>
      run.survey.state === 'none' ? undefined : `The survey of this cycle is already ${run.survey.state}`,
    note: (run) => {
      run.skipSurvey = true;
      run.retries++; // a mail that waits for its next attempt is given up at once
    },
  },
  resendSurvey: {
    description: 'Send the same survey mail once more; it keeps its Message-ID.',
    refuse: whileSent,
    note: request('resendSurvey'),
  },
  revokeSurvey: {
    description: 'End the open survey: its link then says that it has ended.',
    refuse: whileSent,
    note: request('revokeSurvey'),
  },
  extendSurvey: {
    description: 'Let the customer answer for longer. Give { "days" }, 1 to 90.',
    refuse: (run, { days = 0 }) =>
      whileSent(run) ?? (Number.isInteger(days) && days >= 1 && days <= 90 ? undefined : 'days must be 1 to 90'),
    note: request('extendSurvey'),
  },
  closeByHand: {
    description: 'The report was closed by hand: record that and go on. Give { "note" }.',
    refuse: notBefore(['needsAttention'], 'Closing by hand is for a report in needsAttention'),
    note: (run) => void (run.closeByHand = true),
  },
};

function listenForOperators(run: Run): void {
  for (const name of Object.keys(updates) as UpdateName[]) {
    const { description, refuse, note } = operations[name];
    // Validators must be synchronous: an async one poisons the run (measured).
    const validator = (request?: OperatorRequest) => {
      const why = refuse(run, request ?? {});
      if (why) throw ApplicationFailure.nonRetryable(`${name} was refused: ${why}.`, 'StatusConflict');
    };
    const update = (request?: OperatorRequest): RunStatus => {
      note(run, request ?? {});
      return statusOf(run);
    };
    setHandler(defineUpdate<RunStatus, [OperatorRequest?]>(name), update, { validator, description });
  }
}

/** True where the survey's question stands on the page of the confirmation, so that nobody need be mailed it. */
export const isOnPage = ({ confirmation }: Run): boolean =>
  confirmation !== undefined && confirmation.state !== 'unreachable';

/** Of a clearing that is over. */
export function dropConfirmation(run: Run): void {
  delete run.confirmation;
  delete run.said;
  delete run.releasedBy;
  delete run.bounced;
}

export function statusOf(run: Run): RunStatus {
  const { reportId, phase, cycle, waitingFor, until, attention } = run;
  const survey: SurveyView = { state: run.survey.state, ...(run.survey.reason ? { reason: run.survey.reason } : {}) };
  return {
    reportId,
    phase,
    cycle,
    waitingFor,
    ...(until ? { until } : {}),
    survey,
    ...(attention ? { attention } : {}),
  };
}
