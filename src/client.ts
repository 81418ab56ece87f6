/** Closeout for services in TypeScript: open reports, tell what happened to them, ask how they stand. */
import { randomUUID } from 'node:crypto';
import { loadConfig, type Config } from './setup/config.js';
import { CloseoutError } from './contract/errors.js';
import { reportIdPattern } from './contract/ids.js';
import {
  signals,
  type ChangeSignal,
  type MassClearInput,
  type MassClearProgress,
  type OperatorRequest,
  type SweepResult,
  type UpdateName,
} from './contract/messages.js';
import {
  emailAddressPattern,
  emailAddressWords,
  isTimeZone,
  languageTagPattern,
  languageTagWords,
  timeZoneWords,
  type ChangeKind,
  type Contact,
  type NewReport,
  type Phase,
  type Report,
  type ReportStatus,
  type RunStatus,
} from './contract/reports.js';
import { customerTable, type Customers } from './outside/erasure.js';
import { openDatabase } from './outside/database/database.js';
import { figureQueries, type Figures } from './outside/counts.js';
import { sweepTable, type Sweeps } from './outside/sweeps.js';
import type { ListQuery, ReportsPort } from './outside/reports/port.js';
import { reportStore } from './outside/reports/store.js';
import { instantOf, isLate, mayFollow } from './policy/status.js';
import { connectRuns, type Runs } from './outside/temporal/runs.js';
import { statsOf, type Stats } from './operator/satisfaction.js';
import { isRefused, surveyDesk, type SurveyDesk } from './client/surveys.js';
import type { Tracing } from './setup/tracing.js';

export interface ChangeRequest extends ChangeSignal {
  /** Which status `reopen` and `cancel` set: by default `inProgress` and `cancelled`. */
  status?: ReportStatus;
}

export interface Overview {
  phases: Record<Phase, number>;
  attention: RunStatus[];
  clearings: MassClearProgress[];
}

export class CloseoutClient {
  private constructor(
    private readonly runs: Runs,
    readonly reports: ReportsPort,
    /** What customers are asked and say. */
    readonly surveys: SurveyDesk,
    readonly customers: Customers,
    readonly figures: Figures,
    readonly sweeps: Sweeps,
    private readonly release: () => Promise<void>,
  ) {}

  /** Connects by the environment's settings (see README). Nothing is contacted before the first call. */
  static connect(config: Config = loadConfig(), tracing?: Pick<Tracing, 'client'>): CloseoutClient {
    const db = openDatabase(config.databaseUrl, () => undefined); // a broken idle connection is replaced on the next query
    const runs = connectRuns(config.temporal, tracing?.client);
    const reports = reportStore(db);
    const surveys = surveyDesk(db, reports, runs, config.addressKey);
    return new CloseoutClient(
      runs,
      reports,
      surveys,
      customerTable(db),
      figureQueries(db),
      sweepTable(db),
      async () => {
        await runs.close();
        await db.destroy();
      },
    );
  }

  close(): Promise<void> {
    return this.release();
  }

  /**
   * Stores a report and starts its run. While Temporal cannot be reached the report is stored all the same, and the next sweep
   * starts its run. Throws `ReportExists`, `BadInput`, `DatabaseUnavailable`; when it throws one of these, nothing was stored.
   */
  async open(report: NewReport): Promise<Report> {
    const id = report.id ?? randomUUID();
    if (!reportIdPattern.test(id)) {
      throw new CloseoutError(
        'BadInput',
        'id must be 1 to 64 letters, digits, ".", "_" or "-", a letter or digit first.',
        'id',
      );
    }
    if (report.contact) assertContact(report.contact);
    if (report.openedAt !== undefined) assertTime(report.openedAt, 'openedAt');
    const opened = await this.reports.open({ ...report, id });
    await this.runs.begin(opened).catch(unlessUnavailable); // the next sweep starts it
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
    return (await this.runs.status(reportId)) ?? this.storedStatus(report);
  }

  list(query: Partial<ListQuery> = {}): Promise<{ reports: Report[]; total: number }> {
    return this.reports.list({ filter: {}, offset: 0, limit: 100, ...query });
  }

  /** An operator's update. Throws `StatusConflict` with the reason when it does not fit the phase, `NoRun`. */
  async operate(update: UpdateName, reportId: string, request: OperatorRequest): Promise<RunStatus> {
    await this.reports.get(reportId);
    return this.runs.update(update, reportId, request);
  }

  /** Compares every report with what its run knows, now, and tells the runs what they missed. Safe to repeat. */
  watch(): Promise<SweepResult> {
    return this.runs.sweep();
  }

  /** The common fault behind many reports is gone: clears them all, so many a second. Safe to repeat. Throws `BadInput`, `NotFound`. */
  async clearProblem(input: MassClearInput): Promise<void> {
    const { serviceProblemId, at, perSecond = 50 } = input;
    if (!serviceProblemId) throw new CloseoutError('BadInput', 'serviceProblemId is missing.', 'serviceProblemId');
    if (at !== undefined) assertTime(at);
    if (!Number.isInteger(perSecond) || perSecond < 1 || perSecond > 500)
      throw new CloseoutError('BadInput', 'perSecond must be a whole number from 1 to 500.', 'perSecond');
    if (Object.keys(await this.reports.countOf(serviceProblemId)).length === 0)
      throw new CloseoutError(
        'NotFound',
        `No report of service problem ${serviceProblemId} is known.`,
        'serviceProblemId',
      );
    await this.runs.clearProblem(input);
  }

  /** How far the clearing of a service problem is. Throws `NotFound` where none is known. */
  async problemProgress(serviceProblemId: string): Promise<MassClearProgress> {
    const progress = await this.runs.problemProgress(serviceProblemId);
    if (progress) return progress;
    throw new CloseoutError('NotFound', `No clearing of service problem ${serviceProblemId} is known.`);
  }

  /** How the process stands: runs by phase, what waits for an operator and why, service problems being cleared. */
  async overview(limit: number): Promise<Overview> {
    const [phases, stuck, problems] = await Promise.all([
      this.runs.phases(),
      this.runs.inAttention(limit),
      this.runs.clearings(limit),
    ]);
    const [statuses, clearings] = await Promise.all([
      Promise.all(stuck.map((id) => this.runs.status(id))),
      Promise.all(problems.map((id) => this.runs.problemProgress(id))),
    ]);
    return {
      phases,
      attention: statuses.filter((one) => one !== undefined),
      clearings: clearings.filter((one) => one !== undefined),
    };
  }

  /** Asks every run that waits for an operator to try again. `where`: only those, in the words of Temporal's search. */
  async retryAll(by: string, where?: string): Promise<{ retried: string[]; failed: string[] }> {
    const ids = await this.runs.inAttention(10_000, where);
    const done = { retried: [] as string[], failed: [] as string[] };
    for (const id of ids) {
      const isTold = await this.runs.update('retryNow', id, { by }).then(() => true, isRefused);
      done[isTold ? 'retried' : 'failed'].push(id);
    }
    return done;
  }

  /** Removes who a customer is; their runs learn that nobody is left to answer. Returns of how many reports. Throws `NotFound`. */
  async erase(customerId: string, by: string): Promise<number> {
    const ids = await this.customers.erase(customerId);
    for (const id of ids) await this.runs.update('revokeSurvey', id, { by }).catch(isRefused);
    return ids.length;
  }

  /** Surveys sent, answered, skipped and by what reason; satisfaction with its interval. */
  async stats(): Promise<Stats> {
    return statsOf(await this.figures.counts());
  }

  /** What the client depends on, each `ok` or why not. */
  async checks(): Promise<Record<'database' | 'temporal' | 'worker', string>> {
    const word = (asked: Promise<unknown>) =>
      asked.then(
        () => 'ok',
        (error: Error) => error.name,
      );
    const workers = this.runs.workers();
    const [database, temporal, worker] = await Promise.all([
      word(this.reports.list({ filter: { id: 'none' }, offset: 0, limit: 0 })),
      word(workers),
      workers.then(
        (count) => (count > 0 ? 'ok' : 'none polls'),
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
    { status: _, reason, note, ...payload }: ChangeRequest,
    status: ReportStatus,
  ): Promise<Report> {
    if (payload.at !== undefined) assertTime(payload.at);
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
    // The reason may be a customer's words: it goes into the store, not into the run's history.
    if (isNews) await this.runs.signal(report, signals[kind], { ...payload, at });
    const { by } = payload;
    const why = reason ?? note;
    await this.reports.change(reportId, {
      kind,
      at,
      status,
      ...(isNews ? { run: 'told' } : {}),
      ...(by ? { by } : {}),
      ...(why ? { reason: why } : {}),
    });
    return this.reports.get(reportId);
  }

  private async storedStatus({ id, status, cycle }: Report): Promise<RunStatus> {
    const { state, reason } = await this.surveys.currentOf(id);
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

function assertTime(at: string, field = 'at'): void {
  if (!Number.isNaN(Date.parse(at))) return;
  throw new CloseoutError('BadInput', `${field} must be a time in ISO 8601, such as 2026-11-24T09:30:00Z.`, field);
}

function assertContact({ emailAddress, preferredLanguage, timeZone }: Contact): void {
  if (emailAddress !== undefined && !emailAddressPattern.test(emailAddress))
    throw new CloseoutError('BadInput', `emailAddress ${emailAddressWords}.`, 'emailAddress');
  if (preferredLanguage !== undefined && !languageTagPattern.test(preferredLanguage))
    throw new CloseoutError('BadInput', `preferredLanguage ${languageTagWords}.`, 'preferredLanguage');
  if (timeZone !== undefined && !isTimeZone(timeZone))
    throw new CloseoutError('BadInput', `timeZone ${timeZoneWords}.`, 'timeZone');
}

/** For what can be done without Temporal. */
export function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof CloseoutError && error.code === 'TemporalUnavailable')) throw error;
}
