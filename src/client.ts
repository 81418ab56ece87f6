/** Closeout for services in TypeScript: open reports, report what happened to them, ask for their state. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { AlarmService } from './client/alarms.js';
import { assertChanges, assertSigned, assertTime, checkedOpening } from './client/checks.js';
import { CustomerService } from './client/customers.js';
import { EventService } from './client/events.js';
import { assertAllowed, assertChangeable } from './client/status-checks.js';
import { storedStatus } from './client/stored-status.js';
import { NewRuns } from './client/new-runs.js';
import { IncomingMailService } from './client/incoming-mail.js';
import { OverviewService } from './client/overview.js';
import { ServiceProblemService } from './client/service-problems.js';
import { SystemService } from './client/systems.js';
import { TokenService } from './client/tokens.js';
import { PayloadService } from './client/payloads.js';
import { SurveyService } from './client/surveys.js';
import { VersionService } from './client/versions.js';
import type { Contact } from './contract/contact.js';
import { CloseoutError, hasCode, noReport } from './contract/errors.js';
import { signals, type ChangeSignal, type OperatorRequest, type UpdateName } from './contract/messages.js';
import type { ChangeKind, NewReport, Report, ReportChanges, ReportStatus, RunStatus } from './contract/reports.js';
import type { TimelineEntry } from './contract/timeline.js';
import { now } from './outside/database/clock.js';
import { openDatabase } from './outside/database/database.js';
import type { Sessions } from './outside/access/sessions.js';
import { openStores, type Stores } from './outside/stores.js';
import type { ListQuery, ReportDetails, ReportStore } from './outside/reports/store.js';
import type { DeskQuery } from './outside/reports/desk.js';
import { toReport } from './outside/reports/row-mapping.js';
import { connectTemporal, type Temporal } from './outside/temporal/connect.js';
import { ignoreUnavailable } from './outside/temporal/calls.js';
import { changeTo, isOpen, stateOf } from './policy/status.js';
import { loadConfig, type Config } from './setup/config.js';
import type { Tracing } from './setup/tracing.js';

export interface ChangeRequest extends ChangeSignal {
  /** The status that `reopen` and `cancel` set: by default `inProgress` and `cancelled`. */
  status?: ReportStatus;
  /** Stored with the report as the reason of its status, which callers of TMF621 see, and not in the run's history. */
  reason?: string;
  /** The same, for a change without a reason. */
  note?: string;
}

/** A change that was signalled. `isApplied`: the ledger shows it; otherwise its run has not followed yet, or ignored it as late. */
export interface ReportedChange {
  report: Report;
  isApplied: boolean;
}

/** What the client needs of a process's settings. */
type ClientConfig = Pick<Config, 'databaseUrl' | 'temporal' | 'addressKey'>;

export interface FoundReport {
  report: Report;
  status: RunStatus;
}

interface Parts {
  stores: Stores;
  temporal: Temporal;
  close: () => Promise<void>;
}

export class CloseoutClient {
  readonly surveys: SurveyService;
  readonly incomingMail: IncomingMailService;
  readonly serviceProblems: ServiceProblemService;
  readonly customers: CustomerService;
  readonly overview: OverviewService;
  readonly events: EventService;
  readonly systems: SystemService;
  readonly alarms: AlarmService;
  readonly tokens: TokenService;
  readonly sessions: Sessions;
  /** Which version of the workers gets the runs. */
  readonly workerVersions: VersionService;
  /** What Temporal stores, if it is encrypted. */
  readonly payloads: PayloadService;
  private readonly reports: ReportStore;
  private readonly newRuns: NewRuns;

  private constructor(private readonly parts: Parts) {
    const { stores, temporal } = parts;
    this.reports = stores.reports;
    this.newRuns = new NewRuns(parts);
    this.surveys = new SurveyService(stores, temporal.runs);
    this.incomingMail = new IncomingMailService(stores, temporal.runs, this.surveys);
    this.serviceProblems = new ServiceProblemService(stores.reports, temporal.serviceProblems);
    this.customers = new CustomerService(stores, temporal.runs);
    this.overview = new OverviewService(stores, temporal);
    this.events = new EventService(stores.events);
    this.systems = new SystemService(stores.systemStates, stores.observed, temporal.runs, stores.reports);
    this.alarms = new AlarmService(this, stores.alarms);
    this.tokens = new TokenService(stores.apiTokens);
    this.sessions = stores.sessions;
    this.workerVersions = new VersionService(stores.workers, temporal.workerVersions);
    this.payloads = new PayloadService(temporal.codecs);
  }

  /** Connects as the environment says (docs/configuration.md). Nothing is contacted before the first call. */
  static connect(config: ClientConfig = loadConfig(), tracing?: Pick<Tracing, 'client'>): CloseoutClient {
    const ignore = () => undefined; // the pool replaces a broken idle connection
    const db = openDatabase(config.databaseUrl, ignore);
    // Separate connections, so that the desk and long lists cannot use up those of customers' pages.
    const forLists = openDatabase(config.databaseUrl, ignore, { max: 3, statementMs: 20_000 });
    const temporal = connectTemporal(config.temporal, tracing?.client);
    const close = async () => {
      await temporal.close();
      await Promise.all([db.destroy(), forLists.destroy()]);
    };
    const stores = openStores(db, config.addressKey, forLists);
    return new CloseoutClient({ stores, temporal, close });
  }

  async close(): Promise<void> {
    await this.newRuns.settle();
    await this.parts.close();
  }

  /**
   * Stores a report and starts its run. If Temporal is unavailable, the report is stored anyway, and the next sweep starts its
   * run. Throws `ReportExists`, `BadInput`, `DatabaseUnavailable`; then nothing was stored.
   */
  async open(report: NewReport): Promise<Report> {
    const opened = await this.reports.open(checkedOpening(report));
    await this.newRuns.begin(opened);
    return opened;
  }

  /** The same, but a report with the same external id is returned instead. Safe to repeat. */
  async openOnce(report: NewReport & { externalId: string }): Promise<{ report: Report; isNew: boolean }> {
    const checked = checkedOpening(report);
    const opened = await this.reports.openOnce({ ...checked, externalId: report.externalId });
    await (opened.isNew ? this.newRuns.begin(opened.report) : this.parts.temporal.runs.begin(opened.report));
    return opened;
  }

  /** Removes a report, everything about it, and its run. Throws `ReportNotFound`, `StatusConflict`. */
  async remove(reportId: string): Promise<void> {
    const ticket = await this.parts.stores.observed.ticketOf(reportId);
    if (ticket)
      throw new CloseoutError('StatusConflict', `Report ${reportId} lives in ${ticket.system}; delete it there.`, 'id');
    await this.reports.get(reportId);
    const runId = await this.parts.temporal.runs.end(reportId);
    await this.reports.remove(reportId);
    // A later report with this id gets none of its signals.
    if (runId !== undefined) await this.parts.stores.sweeps.markHandled(runId);
  }

  /** The fault is gone: closes the report and asks the customer. Safe to repeat. Throws `ReportNotFound`, `StatusConflict`. */
  clear(reportId: string, change: ChangeRequest = {}): Promise<ReportedChange> {
    return this.reportChange(reportId, 'cleared', { ...change, status: undefined });
  }

  /** The fault is back or was not gone: starts the next cycle, even if the run is done. Safe to repeat. */
  reopen(reportId: string, change: ChangeRequest = {}): Promise<ReportedChange> {
    return this.reportChange(reportId, 'reopened', change);
  }

  /** The report was raised in error: ends it without a survey. Safe to repeat. */
  cancel(reportId: string, change: ChangeRequest = {}): Promise<ReportedChange> {
    return this.reportChange(reportId, 'cancelled', change);
  }

  /**
   * Changes attributes and status, as a TMF621 PATCH does. Every status is reported to the run, which decides what it means, and a
   * report that is still open moves at once. Throws `StatusConflict` if the status cannot follow; then nothing was changed.
   */
  async update(
    reportId: string,
    changes: ReportChanges,
    { status, ...change }: ChangeRequest = {},
  ): Promise<ReportedChange> {
    const report = await this.reports.get(reportId);
    const assertFits = (current: Report) => {
      if (status) assertAllowed(current, status);
    };
    assertFits(report);
    if (change.at !== undefined) assertTime(change.at, 'at');
    assertSigned(change);
    assertChanges(changes);
    const isRunsReason = status !== undefined && !(isOpen(status) && isOpen(report.status));
    const given = {
      ...changes,
      status: status && isOpen(status) ? status : undefined,
      statusReason: isRunsReason ? undefined : change.reason,
    };
    const updated = await this.reports.update(reportId, given, assertFits, change.by); // checked again, under the lock of the row
    const kind = status && changeTo(status);
    return kind
      ? this.reportChange(reportId, kind, { ...change, status }, updated)
      : { report: updated, isApplied: true };
  }

  /** Throws `ReportNotFound`. */
  get(reportId: string): Promise<Report> {
    return this.reports.get(reportId);
  }

  contactOf(reportId: string): Promise<Contact | undefined> {
    return this.reports.contactOf(reportId);
  }

  /** The contact of each report, and the changes of its status that were applied. */
  detailsOf(reportIds: string[]): Promise<Map<string, ReportDetails>> {
    return this.reports.detailsOf(reportIds);
  }

  list(query: Partial<ListQuery> = {}): Promise<{ reports: Report[]; total: number }> {
    return this.reports.list({ filter: {}, offset: 0, limit: 100, ...query });
  }

  /** Phase and state of the report: from its run if that is running and a worker answers, else from the ledger. Throws `ReportNotFound`. */
  async status(reportId: string): Promise<RunStatus> {
    const { runs } = this.parts.temporal;
    const row = await this.parts.stores.desk.find(reportId);
    const run = (await runs.stateOf(reportId).catch(ignoreUnavailable)) ?? 'unknown';
    // A service may have signalled a report that nobody has opened: only its run knows of it.
    const asked = run === 'running' ? await runs.status(reportId) : undefined;
    if (asked) return asked;
    if (!row) throw noReport(reportId);
    return storedStatus(row, run);
  }

  /** Reports with their status, as the ledger holds it, newest first. `total` stops at 10,000. */
  async listWithStatus(query: Partial<DeskQuery> = {}): Promise<{ reports: FoundReport[]; total: number }> {
    const { rows, total } = await this.parts.stores.desk.list({ offset: 0, limit: 50, ...query });
    const reports = rows.map((row) => ({ report: toReport(row), status: storedStatus(row, undefined) }));
    return { reports, total };
  }

  /** Everything that happened to a report, oldest first, with the customer's words. Throws `ReportNotFound`. */
  async timeline(reportId: string): Promise<TimelineEntry[]> {
    await this.reports.get(reportId);
    return this.parts.stores.timelineOf(reportId);
  }

  /** An operator's update. Throws `StatusConflict` with the reason if it does not fit the phase, and `NoRun`. */
  async operate(
    update: UpdateName,
    reportId: string,
    request: OperatorRequest,
    requestId?: string,
  ): Promise<RunStatus> {
    const { runs } = this.parts.temporal;
    return runs.update(update, reportId, request, requestId).catch(async (error: unknown) => {
      if (!hasCode(error, 'NoRun')) throw error;
      const { phase, survey } = await this.status(reportId); // no report either?
      // A lost run is replaced. That of a survey that could not be delivered is done, but the mail can be sent again.
      const goesOn = phase !== 'done' || (update === 'resendSurvey' && survey.state === 'undeliverable');
      if (!goesOn) throw error;
      return runs.updateWithStart(update, await this.reports.get(reportId), request, requestId);
    });
  }

  /** Signals a change to the run, which alone decides what it means, and waits a moment for the ledger to show it. */
  private async reportChange(
    reportId: string,
    kind: ChangeKind,
    request: ChangeRequest,
    known?: Report,
  ): Promise<ReportedChange> {
    const { status, reason, note, at, by, bulk, id = randomUUID() } = request;
    if (at !== undefined) assertTime(at, 'at');
    assertSigned(request);
    const before = known ?? (await this.reports.get(reportId));
    assertChangeable(before, kind);
    const text = reason ?? note;
    // The reason may be a customer's words: it goes into the store, not into the run's history.
    if (text) await this.reports.addReason(reportId, id, text);
    const receivedAt = now().toISOString();
    const payload = { at, by, id, bulk, status, receivedAt, hasReason: text ? true : undefined };
    await this.parts.temporal.runs.signal(before, signals[kind], payload);
    return this.untilShown(reportId, kind, before);
  }

  private async untilShown(reportId: string, kind: ChangeKind, before: Report): Promise<ReportedChange> {
    for (let waited = 0, pause = 15; ; waited += pause, pause = Math.min(100, pause * 1.5)) {
      const report = await this.reports.get(reportId);
      const isApplied = shows(report, kind, before);
      if (isApplied || waited >= ledgerWait) return { report, isApplied };
      await setTimeout(pause);
    }
  }
}

/** How long a caller waits for the ledger to show a change; ms. */
const ledgerWait = 1_000;

/** Whether the ledger shows a change, or something that came after it. */
function shows({ status, cycle }: Report, kind: ChangeKind, before: Report): boolean {
  const state = stateOf(status);
  if (kind === 'cancelled') return state === 'cancelled';
  if (kind === 'cleared') return state === 'cleared' || state === 'closed';
  return state === 'open' || cycle > before.cycle;
}
