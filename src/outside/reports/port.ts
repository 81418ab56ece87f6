/** The port to a system of record. Adapters: the store in our PostgreSQL; external ticket systems later. */
import type { Contact } from '../../contract/contact.js';
import type {
  ChangeKind,
  NewReport,
  Report,
  ReportChanges,
  ReportStatus,
  StatusChange,
} from '../../contract/reports.js';
import type { ReportState } from '../../policy/status.js';
import type { SweptState } from '../../policy/sweep.js';

export interface ReportedChange {
  kind: ChangeKind;
  /** ISO 8601: when it happened at its source. */
  at: string;
  /** The status to set if the kind allows more than one, e.g. `pending` for reopened. */
  status?: ReportStatus;
  by?: string;
  reason?: string;
  /** `signalled`: the report's run was signalled; `caller`: the run makes the change itself; absent: the sweep notifies the run. */
  run?: 'signalled' | 'caller';
}

/** A report as the sweep compares it. */
export interface SweptReport extends SweptState {
  id: string;
  /** ISO 8601: when the last change happened at its source. */
  changedAt: string | null;
}

export interface Closing {
  cycle: number;
  clearedAt: string;
  /** ISO 8601: when Closeout received the change to cleared; `clearedAt` may be long before. */
  clearReceivedAt?: string;
  clearedBy?: string;
  /** An operator closed it where we could not: record that without asking. */
  byHand: boolean;
}

export interface ReportDetails {
  contact?: Contact;
  history: StatusChange[];
}

export interface ListQuery {
  /** TMF621 attribute → value; equality. A status may be several, separated by commas. */
  filter: Record<string, string>;
  offset: number;
  limit: number;
}

/** Unknown ids throw `ReportNotFound`. Nothing is half done when a method throws. */
export interface ReportsPort {
  /** Throws `ReportExists` if the id is taken. */
  open(report: NewReport & { id: string }): Promise<Report>;
  get(id: string): Promise<Report>;
  contactOf(id: string): Promise<Contact | undefined>;
  /** Contact and applied status changes of each report, oldest first. */
  detailsOf(ids: string[]): Promise<Map<string, ReportDetails>>;
  list(query: ListQuery): Promise<{ reports: Report[]; total: number }>;
  /** Changes that no run has to know: attributes, and moves between open statuses. */
  update(id: string, changes: ReportChanges): Promise<Report>;
  /** Records a change of status, once, and applies it unless it is late or changes nothing. Returns the report's state. */
  change(id: string, change: ReportedChange): Promise<ReportState>;
  /** Closes a cleared report, once. Leaves alone a report with a newer change or in another cycle. */
  close(id: string, closing: Closing): Promise<ReportState>;
  /** For a run that starts: like `get`, and records that the run now knows the report's state. */
  beginRun(id: string): Promise<Report>;
  /** Starts the next cycle of a closed report that another program reopened. */
  startNextCycle(id: string): Promise<void>;
  /** The next reports in the order of their ids, whatever their status: no clock or commit order can hide one. */
  sweepPage(after: string, limit: number): Promise<SweptReport[]>;
  /** The run was notified of the report's state at the time of the comparison. */
  markNotified(swept: SweptReport): Promise<void>;
  /** Ids of the next reports of a service problem that are not cleared, or whose run does not know that they are. */
  openOf(serviceProblemId: string, after: string, limit: number): Promise<string[]>;
  /** Number of reports of a service problem, by status. */
  countOf(serviceProblemId: string): Promise<Partial<Record<ReportStatus, number>>>;
}
