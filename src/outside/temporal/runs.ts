/** The runs of reports, and the small workflows that mail operators and customers. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  QueryNotRegisteredError,
  QueryRejectedError,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { ApplicationFailure, defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { CloseoutError, hasCode } from '../../contract/errors.js';
import { alertIdOf, reportIdOf, workflowIdOf } from '../../contract/ids.js';
import {
  alertWorkflow,
  commandOf,
  queries,
  replyWorkflow,
  searchAttributes,
  signals,
  taskQueue,
  workflowType,
  type Alert,
  type AnsweredSignal,
  type BouncedSignal,
  type ChangeSignal,
  type ConfirmedSignal,
  type DeliverySignal,
  type OperatorRequest,
  type UpdateName,
} from '../../contract/messages.js';
import type { OpenedReport, Phase, ReportKeys, RunInput, RunStatus } from '../../contract/reports.js';
import { callTemporal, falseIfStarted, ignoreUnavailable, shortDeadline, undefinedIfUnknown } from './calls.js';
import { findIds } from './search.js';

/** Every method throws `TemporalUnavailable` if Temporal does not answer. */
export interface Runs {
  /**
   * Starts the run of a report that was just stored. If a signal started it before, that run looks the report up again. If Temporal
   * is unavailable, the sweep starts it. Returns the id of the new run, if there is one.
   */
  begin(report: ReportKeys, opened?: OpenedReport): Promise<string | undefined>;
  /** Starts the run if the report has none. */
  signal(
    report: ReportKeys,
    signal: string,
    payload: ChangeSignal | AnsweredSignal | BouncedSignal | ConfirmedSignal | DeliverySignal,
  ): Promise<void>;
  /** Tells the run of what a customer said, which is stored. If Temporal is unavailable, the sweep does. */
  signalStored(
    report: ReportKeys,
    signal: 'answered' | 'confirmed' | 'reopened',
    payload: AnsweredSignal | ConfirmedSignal | ChangeSignal,
  ): Promise<void>;
  /** The run looks the report up again. Starts it if the report has none. */
  wake(report: ReportKeys): Promise<void>;
  /** Ends the run of a report that is about to be removed. */
  end(reportId: string): Promise<string | undefined>;
  /** Whether the report's last run is running. */
  stateOf(reportId: string): Promise<'running' | 'ended' | 'none'>;
  /** What a running run says; undefined if no worker answers soon. */
  status(reportId: string): Promise<RunStatus | undefined>;
  /** Throws `StatusConflict` with the reason if the update does not fit the phase, and `NoRun`. The same `updateId` counts once. */
  update(name: UpdateName, reportId: string, request: OperatorRequest, updateId?: string): Promise<RunStatus>;
  /** The same, for a report whose run may be done: starts it again. */
  updateWithStart(
    name: UpdateName,
    report: ReportKeys,
    request: OperatorRequest,
    updateId?: string,
  ): Promise<RunStatus>;
  /** Mails an operator, once per alert. */
  alert(alert: Alert): Promise<void>;
  /** Mails an operator's reply to a customer. */
  reply(storedMessageId: string): Promise<void>;
  /** Reports whose runs wait for an operator. `filter`: a further Temporal list filter. */
  inAttention(limit: number, filter?: string, deadline?: number): Promise<string[]>;
}

export function reportRuns(temporal: Client): Runs {
  const call = <T>(ask: () => Promise<T>) => callTemporal(temporal, ask);
  const handle = (reportId: string) => temporal.workflow.getHandle(workflowIdOf(reportId));
  const send = async (report: ReportKeys, signal: string, signalArgs: unknown[], deadline?: number): Promise<void> => {
    const options = { ...startOptions(report), signal, signalArgs };
    // Most reports have a run, for which a plain signal costs the server and us less.
    const deliver = async () => {
      const isDelivered = await handle(report.id)
        .signal(signal, ...signalArgs)
        .then(() => true, undefinedIfUnknown);
      if (!isDelivered) await temporal.workflow.signalWithStart(workflowType, options);
    };
    await callTemporal(temporal, deliver, deadline);
  };
  const startOnce = async (workflow: string, workflowId: string, input: unknown): Promise<void> => {
    const options = { workflowId, taskQueue, workflowIdReusePolicy: 'REJECT_DUPLICATE', args: [input] } as const;
    await call(() => temporal.workflow.start(workflow, options)).catch(falseIfStarted);
  };

  return {
    async begin(report, opened) {
      const args: [RunInput] = [{ reportId: report.id, opened }];
      const options = { ...startOptions(report), args, workflowIdConflictPolicy: 'FAIL' } as const;
      const begin = async () => {
        const run = await temporal.workflow.start(workflowType, options).catch(falseIfStarted);
        if (run) return run.firstExecutionRunId;
        await handle(report.id).signal(signals.lookAgain).catch(undefinedIfUnknown);
        return undefined;
      };
      return callTemporal(temporal, begin, shortDeadline).catch(ignoreUnavailable);
    },

    signalStored: (report, signal, payload) => send(report, signal, [payload], shortDeadline).catch(ignoreUnavailable),
    signal: (report, signal, payload) => send(report, signal, [payload]),
    wake: (report) => send(report, signals.lookAgain, []),

    async end(reportId) {
      const last = await call(() => handle(reportId).describe()).catch(undefinedIfUnknown);
      await call(() => handle(reportId).terminate('the report was deleted')).catch(undefinedIfUnknown);
      return last?.runId;
    },

    stateOf: (reportId) =>
      callTemporal(temporal, () => handle(reportId).describe(), shortDeadline).then(
        ({ status: { name } }) => (name === 'RUNNING' ? 'running' : 'ended'),
        (error: unknown) => {
          if (error instanceof WorkflowNotFoundError) return 'none';
          throw error;
        },
      ),

    async status(reportId) {
      const query = () => handle(reportId).query<RunStatus>(queries.status);
      try {
        return await callTemporal(temporal, query, shortDeadline);
      } catch (error) {
        const isUnanswered = [CloseoutError, WorkflowNotFoundError, QueryNotRegisteredError, QueryRejectedError];
        if (isUnanswered.some((kind) => error instanceof kind)) return undefined;
        throw error;
      }
    },

    async updateWithStart(name, report, request, updateId) {
      const args: [OperatorRequest] = [request];
      const update = (): Promise<RunStatus> => {
        // Such an operation can be used once.
        const startWorkflowOperation = new WithStartWorkflowOperation(workflowType, startOptions(report));
        const options = { args, startWorkflowOperation, updateId };
        return temporal.workflow.executeUpdateWithStart(name, options);
      };
      try {
        return await unlessEnding(() => call(update));
      } catch (error) {
        throw refusalOf(error, name, report.id);
      }
    },

    async update(name, reportId, request, updateId) {
      const args: [OperatorRequest] = [request];
      const update = () => handle(reportId).executeUpdate<RunStatus, [OperatorRequest]>(name, { args, updateId });
      try {
        return await unlessEnding(() => call(update));
      } catch (error) {
        throw refusalOf(error, name, reportId);
      }
    },

    alert: (alert) => startOnce(alertWorkflow, alertIdOf(alert), alert),
    reply: (storedMessageId) => startOnce(replyWorkflow, `reply:${storedMessageId}`, { storedMessageId }),

    inAttention(limit, filter, deadline) {
      const waiting = `${inPhase('needsAttention')} AND ExecutionStatus="Running"`;
      return findIds(temporal, filter ? `${waiting} AND (${filter})` : waiting, limit, reportIdOf, deadline);
    },
  };
}

const inPhase = (phase: Phase): string => `${searchAttributes.phase.name}="${phase}"`;

/** The run was ending, so the next one, or what the ledger holds then, decides. */
const isEnding = (error: unknown): boolean =>
  error instanceof WorkflowUpdateFailedError &&
  error.cause instanceof ApplicationFailure &&
  error.cause.type === 'TemporalUnavailable';

/** Asks again while the run is ending, which takes a moment. */
async function unlessEnding<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!isEnding(error) || attempt === 6) throw error;
      await pause(500);
    }
  }
}

function refusalOf(error: unknown, update: UpdateName, reportId: string): unknown {
  if (hasCode(error, 'TemporalUnavailable')) {
    const message = `${(error as Error).message} The request (${commandOf(update)}) may still be carried out once a worker runs.`;
    return new CloseoutError('TemporalUnavailable', message, undefined, { cause: error });
  }
  if (error instanceof WorkflowUpdateFailedError)
    return new CloseoutError(
      isEnding(error) ? 'TemporalUnavailable' : 'StatusConflict',
      error.cause?.message ?? error.message,
    );
  if (error instanceof WorkflowNotFoundError)
    return new CloseoutError(
      'NoRun',
      `Report ${reportId} has no run, because it is done; ${commandOf(update)} is not possible.`,
    );
  return error;
}

function startOptions({ id, cycle, customerId, serviceProblemId }: ReportKeys) {
  const keyword = ({ name }: { name: string }, value: string): SearchAttributePair => ({
    key: defineSearchAttributeKey(name, 'KEYWORD'),
    value,
  });
  const { cycle: cycleAttribute } = searchAttributes;
  const typedSearchAttributes: SearchAttributePair[] = [
    keyword(searchAttributes.phase, 'open'),
    { key: defineSearchAttributeKey(cycleAttribute.name, cycleAttribute.type), value: cycle },
  ];
  if (customerId) typedSearchAttributes.push(keyword(searchAttributes.customer, customerId));
  if (serviceProblemId) typedSearchAttributes.push(keyword(searchAttributes.serviceProblem, serviceProblemId));
  return {
    workflowId: workflowIdOf(id),
    taskQueue,
    args: [{ reportId: id }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    // If a worker is killed, its workflow task is given to another after 4 s instead of 10 s.
    workflowTaskTimeout: '4s',
    staticSummary: `Close problem report ${id}`,
    typedSearchAttributes,
  } as const satisfies WorkflowStartOptions;
}
