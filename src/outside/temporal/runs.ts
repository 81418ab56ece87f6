/** Temporal as the client sees it: the runs of reports and the small workflows beside them, each call with a deadline. */
import {
  Client,
  Connection,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcServiceError,
  type ConnectionOptions,
  type ScheduleSpec,
  type WorkflowClientInterceptor,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { CloseoutError } from '../../contract/errors.js';
import { alertIdOf, massClearIdOf, reportIdOf, workflowIdOf } from '../../contract/ids.js';
import {
  alertWorkflow,
  forgetSchedule,
  forgetWorkflow,
  massClearWorkflow,
  queries,
  replyWorkflow,
  searchAttributes,
  signals,
  taskQueue,
  watchSchedule,
  watchWorkflow,
  workflowType,
  type Alert,
  type AnsweredSignal,
  type BouncedSignal,
  type ChangeSignal,
  type ConfirmedSignal,
  type MassClearInput,
  type MassClearProgress,
  type OperatorRequest,
  type SweepResult,
  type UpdateName,
} from '../../contract/messages.js';
import { phases, type Phase, type Report, type RunStatus } from '../../contract/reports.js';

/** How long a call to Temporal may take before the caller hears that it is unavailable. */
const deadlineMs = 10_000;

export interface TemporalSettings {
  connection: ConnectionOptions;
  namespace: string;
}

export type Runs = ReturnType<typeof connectRuns>;

/** Nothing is contacted before the first call. Every call throws `TemporalUnavailable` where nobody answers. */
export function connectRuns(
  { connection: options, namespace }: TemporalSettings,
  interceptors: WorkflowClientInterceptor[] = [],
) {
  const connection = Connection.lazy(options);
  const temporal = new Client({ connection, namespace, interceptors: { workflow: interceptors } });
  const handle = (reportId: string) => temporal.workflow.getHandle(workflowIdOf(reportId));
  const ids = async (query: string, limit: number, idOf: (workflowId: string) => string | undefined) => {
    const found: string[] = [];
    for await (const { workflowId } of temporal.workflow.list({ query, pageSize: Math.min(limit, 1000) })) {
      const id = idOf(workflowId);
      if (id !== undefined) found.push(id);
      if (found.length >= limit) break;
    }
    return found;
  };
  const call = <T>(ask: () => Promise<T>) => inTime(temporal, ask);

  return {
    close: () => connection.close(),

    /** Starts the run of a report that was just stored. If a signal started it before, the run receives the signal `opened`. */
    async begin(report: Report): Promise<void> {
      const options = { ...startOptions(report), workflowIdConflictPolicy: 'FAIL' } as const;
      const isNew = await call(() => temporal.workflow.start(workflowType, options)).then(() => true, startedBefore);
      if (!isNew) await call(() => handle(report.id).signal(signals.opened)).catch(unlessUnknown);
    },

    /** Starts the run if the report has none. */
    async signal(
      report: Report,
      signal: string,
      payload: ChangeSignal | AnsweredSignal | BouncedSignal | ConfirmedSignal,
    ): Promise<void> {
      const options = { ...startOptions(report), signal, signalArgs: [payload] };
      await call(() => temporal.workflow.signalWithStart(workflowType, options));
    },

    /** Undefined: the server knows no run of this report. */
    status: (reportId: string): Promise<RunStatus | undefined> =>
      call(() => handle(reportId).query<RunStatus>(queries.status)).catch(unlessUnknown),

    /** Throws `StatusConflict` with the reason when it does not fit the phase, `NoRun`. */
    async update(name: UpdateName, reportId: string, request: OperatorRequest): Promise<RunStatus> {
      try {
        const args: [OperatorRequest] = [request];
        return await call(() => handle(reportId).executeUpdate<RunStatus, [OperatorRequest]>(name, { args }));
      } catch (error) {
        if (error instanceof WorkflowUpdateFailedError) {
          throw new CloseoutError('StatusConflict', error.cause?.message ?? error.message);
        }
        if (error instanceof WorkflowNotFoundError) {
          throw new CloseoutError(
            'NoRun',
            `Report ${reportId} has no run: it is done, so there is nothing to ${name}.`,
          );
        }
        throw error;
      }
    },

    /** Told twice, mailed once: the workflow id says what is one alert. */
    async alert(alert: Alert): Promise<void> {
      const once = { workflowId: alertIdOf(alert), taskQueue, workflowIdReusePolicy: 'REJECT_DUPLICATE' } as const;
      await call(() => temporal.workflow.start(alertWorkflow, { ...once, args: [alert] })).catch(startedBefore);
    },

    async reply(messageId: string): Promise<void> {
      const once = { workflowId: `reply:${messageId}`, taskQueue, workflowIdReusePolicy: 'REJECT_DUPLICATE' } as const;
      await call(() => temporal.workflow.start(replyWorkflow, { ...once, args: [{ messageId }] })).catch(startedBefore);
    },

    /** What runs by itself: made by the first worker, then left as operators have changed it. */
    async schedule(watchSeconds: number): Promise<void> {
      await scheduleOnce(temporal, watchSchedule, watchWorkflow, { intervals: [{ every: watchSeconds * 1000 }] });
      await scheduleOnce(temporal, forgetSchedule, forgetWorkflow, { calendars: [{ hour: 3, minute: 30 }] });
    },

    /** Looks at every report now, beside what the schedule does. Returns what was missed. */
    async sweep(): Promise<SweepResult> {
      if ((await this.workers()) === 0)
        throw new CloseoutError(
          'TemporalUnavailable',
          'No worker polls, so nothing would look; start one: npm run worker.',
        );
      const options = {
        workflowId: `${watchSchedule}-now`,
        taskQueue,
        workflowIdConflictPolicy: 'USE_EXISTING',
      } as const;
      const run = await call(() => temporal.workflow.start(watchWorkflow, { ...options, args: [] }));
      return translated(() => run.result() as Promise<SweepResult>);
    },

    /** Clears a service problem; one that is being cleared already goes on. */
    async clearProblem(input: MassClearInput): Promise<void> {
      const workflowId = massClearIdOf(input.serviceProblemId);
      const options = { workflowId, taskQueue, workflowIdConflictPolicy: 'USE_EXISTING', args: [input] } as const;
      const staticSummary = `Clear every report of service problem ${input.serviceProblemId}`;
      await call(() => temporal.workflow.start(massClearWorkflow, { ...options, staticSummary }));
    },

    /** Undefined: no clearing of this service problem is known. */
    async problemProgress(serviceProblemId: string): Promise<MassClearProgress | undefined> {
      const run = temporal.workflow.getHandle(massClearIdOf(serviceProblemId));
      return call(() => run.query<MassClearProgress>(queries.progress)).catch(unlessUnknown);
    },

    /** How many runs are in each phase. Of the server's index, which may lag a moment. */
    async phases(): Promise<Record<Phase, number>> {
      const counted = phases.map(async (phase): Promise<[Phase, number]> => {
        const query = `${searchAttributes.phase}="${phase}" AND ExecutionStatus="Running"`;
        return [phase, (await call(() => temporal.workflow.count(query))).count];
      });
      return Object.fromEntries(await Promise.all(counted)) as Record<Phase, number>;
    },

    /** Reports whose runs wait for an operator; `where`: a further condition in the words of the server's search. */
    async inAttention(limit: number, where?: string): Promise<string[]> {
      const waiting = `${searchAttributes.phase}="needsAttention" AND ExecutionStatus="Running"`;
      return call(() => ids(`${waiting}${where ? ` AND (${where})` : ''}`, limit, reportIdOf));
    },

    /** Service problems that are being cleared. */
    clearings: (limit: number): Promise<string[]> =>
      call(() =>
        ids(`WorkflowType="${massClearWorkflow}" AND ExecutionStatus="Running"`, limit, (id) =>
          id.replace(/^service-problem:/, ''),
        ),
      ),

    /** How many workers poll; throws when Temporal does not answer. */
    async workers(): Promise<number> {
      const list = await call(() =>
        temporal.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue } }),
      );
      return list.pollers?.length ?? 0;
    },
  };
}

async function scheduleOnce(temporal: Client, scheduleId: string, type: string, spec: ScheduleSpec): Promise<void> {
  try {
    await inTime(temporal, () =>
      temporal.schedule.create({
        scheduleId,
        spec,
        policies: { overlap: ScheduleOverlapPolicy.SKIP },
        action: { type: 'startWorkflow', workflowType: type, taskQueue, args: [] },
      }),
    );
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

function startedBefore(error: unknown): false {
  if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
  throw error;
}

/** The server knows no such run, or it has ended. */
function unlessUnknown(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/** Without a deadline a query or update waits for ever where no worker polls. */
const inTime = <T>(temporal: Client, ask: () => Promise<T>): Promise<T> =>
  translated(() => temporal.withDeadline(Date.now() + deadlineMs, ask));

/** Every class with which the SDK reports a failed call. */
const isFailedCall = (error: unknown): boolean =>
  error instanceof ServiceError ||
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
  isGrpcServiceError(error);

/** Throws `TemporalUnavailable` for a failed call. */
async function translated<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isFailedCall(error)) throw error;
    throw new CloseoutError(
      'TemporalUnavailable',
      'Temporal or its worker does not answer; try again, and see whether TEMPORAL_ADDRESS is right and a worker runs.',
      undefined,
      { cause: error },
    );
  }
}

function startOptions(report: Report): WorkflowStartOptions {
  const { id, cycle, customerId, serviceProblemId } = report;
  const keyword = (name: string, value: string): SearchAttributePair => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value,
  });
  return {
    workflowId: workflowIdOf(id),
    taskQueue,
    args: [{ reportId: id }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    // A killed worker may have held this run's task: it is given to another after 4 s instead of 10 s.
    workflowTaskTimeout: '4s',
    staticSummary: `Close problem report ${id}`,
    typedSearchAttributes: [
      keyword(searchAttributes.phase, 'open'),
      { key: defineSearchAttributeKey(searchAttributes.cycle, SearchAttributeType.INT), value: cycle },
      ...(customerId ? [keyword(searchAttributes.customer, customerId)] : []),
      ...(serviceProblemId ? [keyword(searchAttributes.serviceProblem, serviceProblemId)] : []),
    ],
  };
}
