/** Closeout for services in TypeScript: open reports, tell what happened to them, ask how they stand. */
import { randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { loadConfig, type Config } from './config.js';
import { CloseoutError } from './contract/errors.js';
import { reportIdPattern, workflowIdOf } from './contract/ids.js';
import {
  queries,
  searchAttributes,
  signals,
  taskQueue,
  workflowType,
  type AnsweredSignal,
  type ChangeSignal,
  type OperatorRequest,
  type UpdateName,
} from './contract/messages.js';
import type { ChangeKind, NewReport, Report, ReportStatus, RunStatus, SurveyRecord } from './contract/reports.js';
import { openDatabase } from './outside/database/database.js';
import type { ListQuery, ReportsPort } from './outside/reports/port.js';
import { reportStore } from './outside/reports/store.js';
import { surveyTable, toRecord, type Answer, type Surveys } from './outside/surveys.js';
import { instantOf, isLate, mayFollow } from './policy/status.js';

/** How long a call to Temporal may take before the caller hears that it is unavailable. */
const deadlineMs = 10_000;

export interface ChangeRequest extends ChangeSignal {
  /** Which status `reopen` and `cancel` set: by default `inProgress` and `cancelled`. */
  status?: ReportStatus;
}

export class CloseoutClient {
  constructor(
    private readonly temporal: Client,
    readonly reports: ReportsPort,
    readonly surveys: Surveys,
    private readonly release: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /** Connects by the environment's settings (see README). Nothing is contacted before the first call. */
  static connect(config: Config = loadConfig()): CloseoutClient {
    const connection = Connection.lazy(config.temporal.connection);
    const db = openDatabase(config.databaseUrl, () => undefined); // a broken idle connection is replaced on the next query
    const temporal = new Client({ connection, namespace: config.temporal.namespace });
    return new CloseoutClient(temporal, reportStore(db), surveyTable(db), async () => {
      await connection.close();
      await db.destroy();
    });
  }

  close(): Promise<void> {
    return this.release();
  }

  /** Opens a report and starts its run. Throws `ReportExists`, `BadInput`; when it throws, nothing was stored. */
  async open(report: NewReport): Promise<Report> {
    const id = report.id ?? randomUUID();
    if (!reportIdPattern.test(id)) {
      throw new CloseoutError(
        'BadInput',
        'id must be 1 to 64 letters, digits, ".", "_" or "-", a letter or digit first.',
        'id',
      );
    }
    const opened = await this.reports.open({ ...report, id });
    try {
      await this.begin(opened);
    } catch (error) {
      await this.reports.remove(id);
      throw error;
    }
    return opened;
  }

  /** The fault is gone: closes the report and asks the customer. Safe to repeat. Throws `ReportNotFound`, `StatusConflict`. */
  clear(reportId: string, change: ChangeRequest = {}): Promise<Report> {
    return this.tell(reportId, 'cleared', change, 'resolved');
  }

  /** The fault is back or was not gone: starts the next cycle, also when the run is done. Safe to repeat. */
  reopen(reportId: string, change: ChangeRequest = {}): Promise<Report> {
    return this.tell(reportId, 'reopened', change, change.status ?? 'inProgress');
  }

  /** The report was raised in error: ends it without a survey. Safe to repeat. */
  cancel(reportId: string, change: ChangeRequest = {}): Promise<Report> {
    return this.tell(reportId, 'cancelled', change, change.status ?? 'cancelled');
  }

  /** Where the report stands; from the store when its run has left the server. Throws `ReportNotFound`. */
  async status(reportId: string): Promise<RunStatus> {
    const report = await this.reports.get(reportId);
    try {
      return await this.call(() => this.handle(reportId).query<RunStatus>(queries.status));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      return this.storedStatus(report);
    }
  }

  list(query: Partial<ListQuery> = {}): Promise<{ reports: Report[]; total: number }> {
    return this.reports.list({ filter: {}, offset: 0, limit: 100, ...query });
  }

  /** An operator's update. Throws `StatusConflict` with the reason when it does not fit the phase, `NoRun`. */
  async operate(update: UpdateName, reportId: string, request: OperatorRequest): Promise<RunStatus> {
    await this.reports.get(reportId);
    try {
      return await this.call(() =>
        this.handle(reportId).executeUpdate<RunStatus, [OperatorRequest]>(update, { args: [request] }),
      );
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) {
        throw new CloseoutError('StatusConflict', error.cause?.message ?? error.message);
      }
      if (error instanceof WorkflowNotFoundError) {
        throw new CloseoutError(
          'NoRun',
          `Report ${reportId} has no run: it is done, so there is nothing to ${update}.`,
        );
      }
      throw error;
    }
  }

  /** Stores the answer of an open survey, then tells its run. False: it was answered, ended or expired before. */
  async answer(surveyId: string, answer: Answer): Promise<boolean> {
    const survey = await this.surveys.find(surveyId);
    if (!survey || !(await this.surveys.answer(surveyId, answer))) return false;
    const { score, solved } = answer;
    const told: AnsweredSignal = { surveyId, ...(score ? { score } : {}), ...(solved === undefined ? {} : { solved }) };
    await this.signal(await this.reports.get(survey.report_id), signals.answered, told);
    return true;
  }

  /** What became of the survey of the report's current cycle; `none` while undecided. */
  async surveyOf(reportId: string): Promise<SurveyRecord> {
    const { cycle } = await this.reports.get(reportId);
    const survey = await this.surveys.ofCycle(reportId, cycle);
    return survey ? toRecord(survey) : { state: 'none' };
  }

  /** What the client depends on, each `ok` or why not. */
  async checks(): Promise<Record<'database' | 'temporal' | 'worker', string>> {
    const word = (asked: Promise<unknown>) =>
      asked.then(
        () => 'ok',
        (error: Error) => error.name,
      );
    const pollers = this.call(async () => {
      const { namespace } = this.temporal.options;
      const queue = { namespace, taskQueue: { name: taskQueue } };
      return (await this.temporal.workflowService.describeTaskQueue(queue)).pollers ?? [];
    });
    const [database, temporal, worker] = await Promise.all([
      word(this.reports.list({ filter: { id: 'none' }, offset: 0, limit: 0 })),
      word(pollers),
      pollers.then(
        (list) => (list.length > 0 ? 'ok' : 'none polls'),
        () => 'unknown',
      ),
    ]);
    return { database, temporal, worker };
  }

  /**
   * Temporal is told first: its run is durable and brings the store to the same state by itself, so a failure in
   * between loses nothing and the same call can be made again.
   */
  private async tell(
    reportId: string,
    kind: ChangeKind,
    { status: _, ...payload }: ChangeRequest,
    status: ReportStatus,
  ): Promise<Report> {
    if (payload.at !== undefined && Number.isNaN(Date.parse(payload.at))) {
      throw new CloseoutError('BadInput', 'at must be a time in ISO 8601, such as 2026-11-24T09:30:00Z.', 'at');
    }
    const report = await this.reports.get(reportId);
    const isRepeat = report.status === status || (kind === 'cleared' && report.status === 'closed');
    if (!isRepeat && mayFollow(report.status).length === 0) {
      throw new CloseoutError('StatusConflict', `Report ${reportId} is ${report.status}, which is final.`, 'status');
    }
    if (kind === 'cancelled' && report.status === 'closed') {
      throw new CloseoutError(
        'StatusConflict',
        `Report ${reportId} is closed; a closed report can only be reopened.`,
        'status',
      );
    }
    const at = instantOf(payload.at, Date.now());
    const isNews = !isLate(at, report.changedAt) && !(isRepeat && at === report.changedAt);
    if (isNews) await this.signal(report, signals[kind], { ...payload, at });
    const { by, reason = payload.note } = payload;
    await this.reports.change(reportId, { kind, at, status, ...(by ? { by } : {}), ...(reason ? { reason } : {}) });
    return this.reports.get(reportId);
  }

  /** A run that is there already was started by a signal that came before the report: it waits for this. */
  private async begin(report: Report): Promise<void> {
    const options = { ...startOptions(report), workflowIdConflictPolicy: 'FAIL' } as const;
    try {
      await this.call(() => this.temporal.workflow.start(workflowType, options));
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await this.operate('retryNow', report.id, { by: 'open' });
    }
  }

  private async signal(report: Report, signal: string, payload: ChangeSignal | AnsweredSignal): Promise<void> {
    await this.call(() =>
      this.temporal.workflow.signalWithStart(workflowType, { ...startOptions(report), signal, signalArgs: [payload] }),
    );
  }

  private handle(reportId: string) {
    return this.temporal.workflow.getHandle(workflowIdOf(reportId));
  }

  /** Without a deadline a query or update waits for ever where no worker polls. */
  private async call<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await this.temporal.withDeadline(Date.now() + deadlineMs, ask);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new CloseoutError(
        'TemporalUnavailable',
        'Temporal or its worker does not answer; try again, and see whether TEMPORAL_ADDRESS is right and a worker runs.',
        undefined,
        { cause: error },
      );
    }
  }

  private async storedStatus({ id, status, cycle }: Report): Promise<RunStatus> {
    const { state, reason } = await this.surveyOf(id);
    const done = status === 'closed' || status === 'cancelled' || status === 'rejected';
    const waitingFor = done ? 'nothing' : 'its run, which the server no longer knows; the next signal starts one';
    return {
      reportId: id,
      phase: done ? 'done' : 'open',
      cycle,
      waitingFor,
      survey: { state, ...(reason ? { reason } : {}) },
    };
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
