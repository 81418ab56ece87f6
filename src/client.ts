/** Closeout for services in TypeScript: open reports, report what happened to them, ask for their state. */
import { randomUUID } from 'node:crypto';
import { assertContact, assertReportId, assertTime } from './client/checks.js';
import { CustomerService } from './client/customers.js';
import { ignoreUnavailable } from './client/errors.js';
import { OverviewService } from './client/overview.js';
import { ServiceProblemService } from './client/service-problems.js';
import { SurveyService } from './client/surveys.js';
import type { Contact } from './contract/contact.js';
import { CloseoutError } from './contract/errors.js';
import { signals, type ChangeSignal, type OperatorRequest, type UpdateName } from './contract/messages.js';
import type { ChangeKind, NewReport, Report, ReportChanges, ReportStatus, RunStatus } from './contract/reports.js';
import { migrate, openDatabase } from './outside/database/database.js';
import { openStores, type Stores } from './outside/stores.js';
import type { ListQuery, ReportDetails, ReportsPort } from './outside/reports/port.js';
import { connectTemporal, type Temporal } from './outside/temporal/connect.js';
import { allowedAfter, changeBetween, changeTime, isEnded, isLate, isOpen, statusAfter } from './policy/status.js';
import { loadConfig, type Config } from './setup/config.js';
import type { Tracing } from './setup/tracing.js';

export interface ChangeRequest extends ChangeSignal {
  /** The status that `reopen` and `cancel` set: by default `inProgress` and `cancelled`. */
  status?: ReportStatus;
}

interface Parts {
  stores: Stores;
  temporal: Temporal;
  close: () => Promise<void>;
}

export class CloseoutClient {
  readonly surveys: SurveyService;
  readonly serviceProblems: ServiceProblemService;
  readonly customers: CustomerService;
  readonly overview: OverviewService;
  private readonly reports: ReportsPort;

  private constructor(private readonly parts: Parts) {
    const { stores, temporal } = parts;
    this.reports = stores.reports;
    this.surveys = new SurveyService(stores, temporal.runs);
    this.serviceProblems = new ServiceProblemService(stores.reports, temporal.serviceProblems);
    this.customers = new CustomerService(stores.erasure, temporal.runs);
    this.overview = new OverviewService(stores, temporal);
  }

  /** Connects as the environment says (docs/configuration.md). Nothing is contacted before the first call. */
  static connect(config: Config = loadConfig(), tracing?: Pick<Tracing, 'client'>): CloseoutClient {
    const db = openDatabase(config.databaseUrl, () => undefined); // the pool replaces a broken idle connection
    const temporal = connectTemporal(config.temporal, tracing?.client);
    const close = async () => {
      await temporal.close();
      await db.destroy();
    };
    return new CloseoutClient({ stores: openStores(db, config.addressKey), temporal, close });
  }

  /** Brings the tables up to date. Safe to run in many processes at once. */
  static async migrate({ databaseUrl }: Config): Promise<void> {
    const db = openDatabase(databaseUrl, () => undefined);
    await migrate(db).finally(() => db.destroy());
  }

  close(): Promise<void> {
    return this.parts.close();
  }

  /**
   * Stores a report and starts its run. If Temporal is unavailable, the report is stored anyway, and the next sweep starts its
   * run. Throws `ReportExists`, `BadInput`, `DatabaseUnavailable`; then nothing was stored.
   */
  async open(report: NewReport): Promise<Report> {
    const { id = randomUUID(), contact, openedAt } = report;
    assertReportId(id);
    if (contact) assertContact(contact);
    if (openedAt !== undefined) assertTime(openedAt, 'openedAt');
    const opened = await this.reports.open({ ...report, id });
    await this.parts.temporal.runs.begin(opened).catch(ignoreUnavailable);
    return opened;
  }

  /** The fault is gone: closes the report and asks the customer. Safe to repeat. Throws `ReportNotFound`, `StatusConflict`. */
  clear(reportId: string, change: ChangeRequest = {}): Promise<Report> {
    return this.reportChange(reportId, 'cleared', { ...change, status: undefined });
  }

  /** The fault is back or was not gone: starts the next cycle, even if the run is done. Safe to repeat. */
  reopen(reportId: string, change: ChangeRequest = {}): Promise<Report> {
    return this.reportChange(reportId, 'reopened', change);
  }

  /** The report was raised in error: ends it without a survey. Safe to repeat. */
  cancel(reportId: string, change: ChangeRequest = {}): Promise<Report> {
    return this.reportChange(reportId, 'cancelled', change);
  }

  /**
   * Changes attributes and status, as a TMF621 PATCH does. A change of status means clear, reopen or cancel, or a move between
   * open statuses. Throws `StatusConflict` if the status cannot follow; then nothing was changed.
   */
  async update(reportId: string, changes: ReportChanges, { status, ...change }: ChangeRequest = {}): Promise<Report> {
    const report = await this.reports.get(reportId);
    if (status) assertAllowed(report, status);
    if (changes.contact) assertContact(changes.contact);
    const kind = status && status !== report.status ? changeBetween(report.status, status) : undefined;
    if (kind) {
      await this.reports.update(reportId, changes);
      return this.reportChange(reportId, kind, { ...change, status });
    }
    const move = status && isOpen(status) ? status : undefined;
    return this.reports.update(reportId, { ...changes, status: move, statusReason: change.reason });
  }

  /** Throws `ReportNotFound`. */
  get(reportId: string): Promise<Report> {
    return this.reports.get(reportId);
  }

  contactOf(reportId: string): Promise<Contact | undefined> {
    return this.reports.contactOf(reportId);
  }

  /** Contact and applied status changes of each report. */
  detailsOf(reportIds: string[]): Promise<Map<string, ReportDetails>> {
    return this.reports.detailsOf(reportIds);
  }

  list(query: Partial<ListQuery> = {}): Promise<{ reports: Report[]; total: number }> {
    return this.reports.list({ filter: {}, offset: 0, limit: 100, ...query });
  }

  /** Phase and state of the report, from the store if Temporal no longer keeps its run. Throws `ReportNotFound`. */
  async status(reportId: string): Promise<RunStatus> {
    const report = await this.reports.get(reportId);
    return (await this.parts.temporal.runs.status(reportId)) ?? this.storedStatus(report);
  }

  /** An operator's update. Throws `StatusConflict` with the reason if it does not fit the phase, and `NoRun`. */
  async operate(update: UpdateName, reportId: string, request: OperatorRequest): Promise<RunStatus> {
    await this.reports.get(reportId);
    return this.parts.temporal.runs.update(update, reportId, request);
  }

  /**
   * The run is signalled first: it is durable and brings the store to the same state by itself, so a failure in between loses
   * nothing, and the call can be repeated.
   */
  private async reportChange(reportId: string, kind: ChangeKind, request: ChangeRequest): Promise<Report> {
    const { status = statusAfter[kind], reason, note, at: statedAt, by } = request;
    if (statedAt !== undefined) assertTime(statedAt, 'at');
    const report = await this.reports.get(reportId);
    const isRepeat = report.status === status || (kind === 'cleared' && report.status === 'closed');
    if (!isRepeat) assertChangeable(report, kind);
    const at = changeTime(statedAt, Date.now());
    const isNew = !isLate(at, report.changedAt) && !(isRepeat && at === report.changedAt);
    // The reason may be a customer's words: it goes into the store, not into the run's history.
    if (isNew) await this.parts.temporal.runs.signal(report, signals[kind], { at, by, bulk: request.bulk });
    const run = isNew ? 'signalled' : undefined;
    await this.reports.change(reportId, { kind, at, status, run, by, reason: reason ?? note });
    return this.reports.get(reportId);
  }

  private async storedStatus({ id, status, cycle }: Report): Promise<RunStatus> {
    const { state, reason } = await this.surveys.currentOf(id);
    const waitingFor = 'its run, which Temporal no longer keeps; the next signal starts a new one';
    return {
      reportId: id,
      phase: isEnded(status) ? 'done' : 'open',
      cycle,
      held: false,
      waitingFor: isEnded(status) ? 'nothing' : waitingFor,
      survey: { state, reason },
    };
  }
}

function assertChangeable({ id, status }: Report, kind: ChangeKind): void {
  if (allowedAfter(status).length === 0)
    throw new CloseoutError('StatusConflict', `Report ${id} is ${status}, which is final.`, 'status');
  if (kind === 'cancelled' && status === 'closed')
    throw new CloseoutError(
      'StatusConflict',
      `Report ${id} is closed; a closed report can only be reopened.`,
      'status',
    );
}

function assertAllowed({ id, status: from }: Report, to: ReportStatus): void {
  if (from === to || allowedAfter(from).includes(to)) return;
  const allowed = allowedAfter(from).join(', ') || 'nothing, it is final';
  const hint = to === 'closed' ? ' Closeout itself closes a report once it is resolved.' : '';
  const message = `Report ${id} is ${from}; from there status can become ${allowed}, not ${to}.${hint}`;
  throw new CloseoutError('StatusConflict', message, 'status');
}
