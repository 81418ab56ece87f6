/** What Closeout asks of a system of record. Adapters: the store (our PostgreSQL); outside ticket systems later. */
import type { ChangeKind, Contact, NewReport, Report, ReportStatus, StatusChange } from '../../contract/reports.js';
import type { Situation } from '../../policy/status.js';
import type { Compared } from '../../policy/sweep.js';

export interface ReportedChange {
  kind: ChangeKind;
  /** ISO 8601: when it happened at its source. */
  at: string;
  /** The status to set where more than one stands for the kind, e.g. `pending` for reopened. */
  status?: ReportStatus;
  by?: string;
  reason?: string;
  /** The report's run was told of it by a signal, or is itself the caller and sees what comes of it. Else the sweep tells it. */
  run?: 'told' | 'asks';
}

/** A report as the sweep sees it. */
export interface WatchedReport extends Compared {
  id: string;
  /** ISO 8601: when the last change happened at its source. */
  at: string | null;
}

/** Where a report stands after a change, whether or not the change was applied. */
export interface Standing {
  situation: Situation;
  cycle: number;
}

export interface Closing {
  cycle: number;
  clearedAt: string;
  /** ISO 8601: when Closeout received the change to cleared; `clearedAt` may be long before. */
  clearReceivedAt?: string;
  clearedBy?: string;
  /** An operator closed it where we could not: record that, do not ask. */
  byHand: boolean;
}

export interface ReportDetails {
  contact?: Contact;
  history: StatusChange[];
}

export interface ListQuery {
  /** TMF621 attribute → value; equality. */
  filter: Record<string, string>;
  offset: number;
  limit: number;
}

/** Unknown ids throw `ReportNotFound`; nothing here is half done when it throws. */
export interface ReportsPort {
  /** Throws `ReportExists` when the id is taken. */
  open(report: NewReport & { id: string }): Promise<Report>;
  get(id: string): Promise<Report>;
  /** For a run that begins: like `get`, and notes that the run now knows where the report stands. */
  lookUp(id: string): Promise<Report>;
  /** The next reports in the order of their ids, whatever their status: no clock or commit order can hide one. */
  watch(after: string, limit: number): Promise<WatchedReport[]>;
  /** The run was told where the report stood when it was watched. */
  settle(watched: WatchedReport): Promise<void>;
  /** Somebody opened a closed report again without starting its next cycle: starts it. */
  startCycle(id: string): Promise<void>;
  /** Ids of the next reports of a service problem that are not yet cleared, or whose run does not know of it. */
  openOf(serviceProblemId: string, after: string, limit: number): Promise<string[]>;
  /** How many reports of a service problem have which status. */
  countOf(serviceProblemId: string): Promise<Partial<Record<ReportStatus, number>>>;
  contactOf(id: string): Promise<Contact | undefined>;
  /** Contact and applied status changes of each, oldest first. */
  detailsOf(ids: string[]): Promise<Map<string, ReportDetails>>;
  list(query: ListQuery): Promise<{ reports: Report[]; total: number }>;
  /** What has no consequence for a run: attributes, and one open status after another. Null in `document` removes. */
  amend(id: string, changes: Partial<NewReport>): Promise<Report>;
  /** Records a change of status; applies it unless it is late or changes nothing. Told twice, recorded once. */
  change(id: string, change: ReportedChange): Promise<Standing>;
  /** Closes a cleared report, once. One with a newer change, or in another cycle, is left alone. */
  close(id: string, closing: Closing): Promise<Standing>;
}
