/** The runs of reports, and the small workflows that mail operators and customers. */
import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { CloseoutError } from '../../contract/errors.js';
import { alertIdOf, reportIdOf, workflowIdOf } from '../../contract/ids.js';
import {
  alertWorkflow,
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
  type OperatorRequest,
  type UpdateName,
} from '../../contract/messages.js';
import { phases, type Phase, type Report, type RunStatus } from '../../contract/reports.js';
import { callTemporal, falseIfStarted, undefinedIfUnknown } from './calls.js';
import { findIds } from './search.js';

/** Every method throws `TemporalUnavailable` if Temporal does not answer. */
export interface Runs {
  /** Starts the run of a report that was just stored. If a signal started it before, sends the run the signal `opened`. */
  begin(report: Report): Promise<void>;
  /** Starts the run if the report has none. */
  signal(
    report: Report,
    signal: string,
    payload: ChangeSignal | AnsweredSignal | BouncedSignal | ConfirmedSignal,
  ): Promise<void>;
  /** Undefined if the server knows no run of this report. */
  status(reportId: string): Promise<RunStatus | undefined>;
  /** Throws `StatusConflict` with the reason if the update does not fit the phase, and `NoRun`. */
  update(name: UpdateName, reportId: string, request: OperatorRequest): Promise<RunStatus>;
  /** Mails an operator, once per alert. */
  alert(alert: Alert): Promise<void>;
  /** Mails an operator's reply to a customer. */
  reply(storedMessageId: string): Promise<void>;
  /** Number of runs in each phase, by the server's index, which may lag a moment. */
  phases(): Promise<Record<Phase, number>>;
  /** Reports whose runs wait for an operator. `filter`: a further Temporal list filter. */
  inAttention(limit: number, filter?: string): Promise<string[]>;
}

export function reportRuns(temporal: Client): Runs {
  const call = <T>(ask: () => Promise<T>) => callTemporal(temporal, ask);
  const handle = (reportId: string) => temporal.workflow.getHandle(workflowIdOf(reportId));
  const startOnce = async (workflow: string, workflowId: string, input: unknown): Promise<void> => {
    const options = { workflowId, taskQueue, workflowIdReusePolicy: 'REJECT_DUPLICATE', args: [input] } as const;
    await call(() => temporal.workflow.start(workflow, options)).catch(falseIfStarted);
  };

  return {
    async begin(report) {
      const options = { ...startOptions(report), workflowIdConflictPolicy: 'FAIL' } as const;
      const isNew = await call(() => temporal.workflow.start(workflowType, options)).then(() => true, falseIfStarted);
      if (!isNew) await call(() => handle(report.id).signal(signals.opened)).catch(undefinedIfUnknown);
    },

    async signal(report, signal, payload) {
      const options = { ...startOptions(report), signal, signalArgs: [payload] };
      await call(() => temporal.workflow.signalWithStart(workflowType, options));
    },

    status: (reportId) => call(() => handle(reportId).query<RunStatus>(queries.status)).catch(undefinedIfUnknown),

    async update(name, reportId, request) {
      const args: [OperatorRequest] = [request];
      try {
        return await call(() => handle(reportId).executeUpdate<RunStatus, [OperatorRequest]>(name, { args }));
      } catch (error) {
        throw refusalOf(error, name, reportId);
      }
    },

    alert: (alert) => startOnce(alertWorkflow, alertIdOf(alert), alert),
    reply: (storedMessageId) => startOnce(replyWorkflow, `reply:${storedMessageId}`, { storedMessageId }),

    async phases() {
      const counted = phases.map(async (phase): Promise<[Phase, number]> => {
        const { count } = await call(() => temporal.workflow.count(`${inPhase(phase)} AND ExecutionStatus="Running"`));
        return [phase, count];
      });
      return Object.fromEntries(await Promise.all(counted)) as Record<Phase, number>;
    },

    inAttention(limit, filter) {
      const waiting = `${inPhase('needsAttention')} AND ExecutionStatus="Running"`;
      return call(() => findIds(temporal, filter ? `${waiting} AND (${filter})` : waiting, limit, reportIdOf));
    },
  };
}

const inPhase = (phase: Phase): string => `${searchAttributes.phase.name}="${phase}"`;

function refusalOf(error: unknown, update: UpdateName, reportId: string): unknown {
  if (error instanceof WorkflowUpdateFailedError)
    return new CloseoutError('StatusConflict', error.cause?.message ?? error.message);
  if (error instanceof WorkflowNotFoundError)
    return new CloseoutError('NoRun', `Report ${reportId} has no run: it is done, so there is nothing to ${update}.`);
  return error;
}

function startOptions({ id, cycle, customerId, serviceProblemId }: Report): WorkflowStartOptions {
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
  };
}
