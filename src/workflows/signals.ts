/** The signals and queries of a run. Nothing of a signal's payload is trusted: it may come from any program. */
import { defineQuery, defineSignal, setDefaultSignalHandler, setHandler } from '@temporalio/workflow';
import {
  queries,
  signals,
  type AnsweredSignal,
  type BouncedSignal,
  type ChangeSignal,
  type ConfirmedSignal,
  type DeliverySignal,
  type SignalName,
} from '../contract/messages.js';
import { reportStatuses, type ChangeKind, type RunStatus } from '../contract/reports.js';
import { systemOfRecord, type Change } from '../policy/changes.js';
import type { Standing } from '../policy/standing.js';
import { noteAnswer, noteBounce, noteConfirmed, noteDelivery } from './customer-signals.js';
import { fromNow, noteChange, type RunState } from './run.js';
import { standingOf, statusOf } from './run-status.js';
import { textOf, timeOf } from './untrusted.js';
import { publish } from './visibility.js';

type Handler = (run: RunState, payload: unknown) => void;

const handlers: Record<SignalName, Handler> = {
  cleared: acceptChange('cleared'),
  reopened: acceptChange('reopened'),
  cancelled: acceptChange('cancelled'),
  answered: (run, answer) => noteAnswer(run, answer as AnsweredSignal | undefined),
  confirmed: (run, confirmed) => noteConfirmed(run, confirmed as ConfirmedSignal | undefined),
  bounced: (run, bounce) => noteBounce(run, bounce as BouncedSignal | undefined),
  delivered: (run, delivery) => noteDelivery(run, delivery as DeliverySignal | undefined, false),
  failed: (run, delivery) => noteDelivery(run, delivery as DeliverySignal | undefined, true),
  lookAgain: (run) => {
    // A report that the database had lost may have been opened again.
    const isMissing = !run.isKnown || run.attention?.code === 'ReportNotFound';
    if (isMissing) run.retries++;
    else run.looksAgain = true;
    publish(run, run);
  },
};

const descriptions: Record<SignalName, string> = {
  cleared: 'The fault is gone (TMF621: resolved). Optional payload: { "at": ISO time, "by", "id", "note" }.',
  reopened:
    'The fault is back, or the problem was not solved. Optional payload: { "at": ISO time, "by", "id", "reason" }.',
  cancelled:
    'The report was raised in error; it ends without a survey. Optional payload: { "at": ISO time, "by", "id", "reason" }.',
  answered: 'The customer answered the survey. Sent once the answer is stored.',
  confirmed: 'The customer said whether the problem is fixed. Sent once the reply is stored.',
  bounced: 'The mail to the customer bounced.',
  delivered: 'Another channel has delivered the survey. Optional payload: { "surveyId" }.',
  failed: 'Another channel could not deliver the survey. Optional payload: { "surveyId", "reason": a code }.',
  lookAgain: 'Look the report up again: it was just stored, or something is wrong with it.',
};

/** The default handler comes first: it drains the signals that came early in their order, a named one only its own. */
export function acceptSignals(run: RunState): void {
  const handle = (name: SignalName, payload: unknown) => {
    run.signals++;
    handlers[name](run, payload);
  };
  const names = Object.keys(signals) as SignalName[];
  setDefaultSignalHandler((name, payload) => {
    const known = names.find((signal) => signal === name);
    if (known) handle(known, payload);
  });
  for (const name of names)
    setHandler(defineSignal<[unknown?]>(name), (payload) => handle(name, payload), { description: descriptions[name] });
  setHandler(defineQuery<RunStatus>(queries.status), () => statusOf(run), {
    description: 'Phase, cycle, what the run waits for and until when, survey, confirmation, and what needs attention.',
  });
  setHandler(defineQuery<Standing>(queries.standing), () => standingOf(run), {
    description: 'What the run has written to the ledger.',
  });
}

function acceptChange(kind: ChangeKind): Handler {
  return (run, payload) => {
    const signal = (typeof payload === 'object' ? payload : undefined) as ChangeSignal | null | undefined;
    noteChange(run, toChange(kind, signal ?? {}));
    run.isBulk = signal?.bulk === true;
    // A closed report cannot be cancelled any more.
    if (kind === 'cancelled' && run.state !== 'closed') run.cancellations++;
  };
}

function toChange(kind: ChangeKind, { at, by, id, status, receivedAt, hasReason }: ChangeSignal): Change {
  const now = fromNow(0);
  const received = timeOf(receivedAt) ?? now;
  const author = textOf(by);
  return {
    kind,
    // What is seen in the system of record is observed, never signalled.
    source: author === undefined || author === systemOfRecord ? 'signal' : author,
    by: author,
    receivedAt: received < now ? received : now,
    at: timeOf(at),
    id: textOf(id),
    status: reportStatuses.find((known) => known === status),
    hasReason: hasReason === true || undefined,
  };
}
