/** What the sweep asks Temporal: which runs ended before their reports did, and which signals they had received. */
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { readCarried } from '../../contract/carried.js';
import { reportIdOf, workflowIdOf } from '../../contract/ids.js';
import {
  queries,
  signals,
  watchWorkflow,
  workflowType,
  type BouncedSignal,
  type ChangeSignal,
  type DeliverySignal,
  type SweepResult,
} from '../../contract/messages.js';
import type { RunInput } from '../../contract/reports.js';
import { systemOfRecord, type Change } from '../../policy/changes.js';
import type { Standing } from '../../policy/standing.js';
import { callTemporal, undefinedIfUnknown } from './calls.js';
import { findIds, listWorkflows } from './search.js';

export interface LostRun {
  reportId: string;
  runId: string;
}

/** A signal of which the ledger reflects nothing. */
export interface Missed {
  name: string;
  payload: ChangeSignal | BouncedSignal | DeliverySignal;
}

interface Carried {
  bounced?: BouncedSignal;
  delivery?: { surveyId?: string; failure?: string };
}

/** What the ledger reflects of the last two runs. */
export interface Reflected {
  runId: string | null;
  signals: number;
  earlierRunId: string | null;
  earlierSignals: number;
}

/** Every method throws `TemporalUnavailable` if Temporal does not answer. */
export interface LostRuns {
  /** Runs that were terminated, cancelled, failed or timed out since then, oldest first. */
  endedSince(since: Date): Promise<LostRun[]>;
  /** The signals that the ledger does not reflect, in order; `reset` if the run was reset, and so goes on in another. */
  missedSignals(run: LostRun, reflected: Reflected): Promise<Missed[] | 'reset'>;
  /** The number of the last sweep that Temporal has, except the one that asks; undefined if it has none. */
  lastSweepCounter(askingRunId: string | undefined): Promise<number | undefined>;
  isKnown(workflowId: string, runId: string): Promise<boolean>;
  /** Runs that completed since then, oldest first. */
  completedSince(since: Date): Promise<LostRun[]>;
  /** Reports with a running run. */
  running(): Promise<string[]>;
  /** What a run has written to the ledger; undefined if it does not know. */
  standingOf(run: LostRun): Promise<Standing | undefined>;
  /** Does nothing if the run has ended. */
  askToLookAgain(reportId: string): Promise<void>;
}

const ofReports = `WorkflowType="${workflowType}"`;

export function lostRuns(temporal: Client): LostRuns {
  const call = <T>(ask: () => Promise<T>) => callTemporal(temporal, ask);
  const ended = async (query: string): Promise<LostRun[]> => {
    const found: (LostRun & { at: number })[] = [];
    for await (const { workflowId, runId, closeTime } of listWorkflows(temporal, query)) {
      const reportId = reportIdOf(workflowId);
      if (reportId !== undefined) found.push({ reportId, runId, at: closeTime?.getTime() ?? 0 });
    }
    return found.sort((a, b) => a.at - b.at).map(({ reportId, runId }) => ({ reportId, runId }));
  };

  return {
    endedSince: (since) =>
      ended(
        `${ofReports} AND ExecutionStatus IN ("Terminated", "Canceled", "Failed", "TimedOut") AND CloseTime > "${since.toISOString()}"`,
      ),

    async missedSignals({ reportId, runId }, reflected) {
      const handle = temporal.workflow.getHandle(workflowIdOf(reportId), runId);
      const { events } = await call(() => handle.fetchHistory());
      return missedIn(events ?? [], runId, reflected, temporal.options.loadedDataConverter.payloadCodecs);
    },

    lastSweepCounter: (askingRunId) =>
      call(async () => {
        const query = `WorkflowType="${watchWorkflow}" AND ExecutionStatus="Completed"`;
        for await (const { workflowId, runId } of temporal.workflow.list({ query, pageSize: 1 })) {
          if (runId === askingRunId) continue;
          const result = (await temporal.workflow.getHandle(workflowId, runId).result()) as SweepResult;
          return result.counter;
        }
        return undefined;
      }),

    isKnown: (workflowId, runId) =>
      call(() => temporal.workflow.getHandle(workflowId, runId).describe()).then(
        () => true,
        (error: unknown) => {
          if (error instanceof WorkflowNotFoundError) return false;
          throw error;
        },
      ),

    completedSince: (since) =>
      ended(`${ofReports} AND ExecutionStatus="Completed" AND CloseTime > "${since.toISOString()}"`),

    running: () => findIds(temporal, `${ofReports} AND ExecutionStatus="Running"`, Infinity, reportIdOf),

    standingOf: ({ reportId, runId }) =>
      call(() => temporal.workflow.getHandle(workflowIdOf(reportId), runId).query<Standing>(queries.standing)).catch(
        undefinedIfUnknown,
      ),

    async askToLookAgain(reportId) {
      await call(() => temporal.workflow.getHandle(workflowIdOf(reportId)).signal(signals.lookAgain)).catch(
        undefinedIfUnknown,
      );
    },
  };
}

type Events = NonNullable<Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>['events']>;

/** The marker of a local activity. */
const localActivity = 'core_local_activity';

/** The server's own identity when a reset ends a run. */
const resetter = 'history-resetter';

async function missedIn(
  events: Events,
  runId: string,
  reflected: Reflected,
  codecs: PayloadCodec[],
): Promise<Missed[] | 'reset'> {
  if (events.at(-1)?.workflowExecutionTerminatedEventAttributes?.identity === resetter) return 'reset';
  const carried = await carriedBy(events, codecs);
  const sent = events.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    const name = signal?.signalName;
    return name && Object.hasOwn(signals, name)
      ? [{ name, read: () => payloadOf<ChangeSignal>(signal.input, codecs) }]
      : [];
  });
  const missed = [...carried.map(({ name, payload }) => ({ name, read: () => Promise.resolve(payload) })), ...sent]
    .map((signal, index) => ({ ...signal, usualId: `${runId}:${index}` }))
    .slice(reflectedOf(events, runId, reflected))
    .filter(({ name }) => name !== signals.lookAgain);
  return Promise.all(
    missed.map(async ({ name, read, usualId }) => {
      const payload = await read();
      // Sent again after a failure in their middle, each counts once.
      const { id = usualId } = payload as { id?: string };
      return { name, payload: { ...payload, id } };
    }),
  );
}

/** What the run before had received and not acted on, as signals. */
async function carriedBy(events: Events, codecs: PayloadCodec[]): Promise<Missed[]> {
  const input = await payloadOf<RunInput>(events[0]?.workflowExecutionStartedEventAttributes?.input, codecs);
  const carried = readCarried('closeProblemReport', input.carried);
  const changes = ((carried?.changes ?? []) as Change[]).map((change) => {
    const { kind, source, at, by, id, status, receivedAt, hasReason } = change;
    if (source === systemOfRecord) return { name: signals.lookAgain, payload: {} };
    return { name: kind, payload: { at, by, id, status, receivedAt, hasReason } };
  });
  const { bounced, delivery } = (carried?.rest ?? {}) as Carried;
  const said: Missed[] = bounced ? [{ name: signals.bounced, payload: bounced }] : [];
  if (!delivery) return [...changes, ...said];
  const { surveyId, failure: reason } = delivery;
  const name = reason === undefined ? signals.delivered : signals.failed;
  return [...changes, ...said, { name, payload: { surveyId, reason } }];
}

/** How many signals of a run the ledger reflects, the carried changes first. One without an activity that succeeded has written nothing. */
function reflectedOf(events: Events, runId: string, reflected: Reflected): number {
  if (reflected.runId === runId) return reflected.signals;
  if (reflected.earlierRunId === runId) return reflected.earlierSignals;
  const hasWritten = events.some(
    ({ activityTaskCompletedEventAttributes: completed, markerRecordedEventAttributes: marker }) =>
      completed ?? (marker?.markerName === localActivity && !marker.failure),
  );
  return hasWritten ? Infinity : 0;
}

type Input = { payloads?: Payload[] | null } | null | undefined;

async function payloadOf<T extends object>(input: Input, codecs: PayloadCodec[]): Promise<Partial<T>> {
  let payloads = (input?.payloads ?? []).slice(0, 1);
  for (const codec of codecs) payloads = await codec.decode(payloads);
  const [payload] = payloads;
  const value: unknown = payload && defaultPayloadConverter.fromPayload(payload);
  return typeof value === 'object' && value !== null ? value : {};
}
