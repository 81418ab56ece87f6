/** What Closeout asks of a system of record. Adapters: the store (our PostgreSQL); outside ticket systems later. */
import type { ChangeKind, Contact, NewReport, Report, ReportStatus, StatusChange } from '../../contract/reports.js';
import type { Situation } from '../../policy/status.js';

export interface ReportedChange {
  kind: ChangeKind;
  /** ISO 8601: when it happened at its source. */
  at: string;
  /** The status to set where more than one stands for the kind, e.g. `pending` for reopened. */
  status?: ReportStatus;
  by?: string;
  reason?: string;
}

/** Where a report stands after a change, whether or not the change was applied. */
export interface Standing {
  situation: Situation;
  cycle: number;
}

export interface Closing {
  cycle: number;
  clearedAt: string;
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
  /** Takes an opening back when no run could be started for it. */
  remove(id: string): Promise<void>;
  get(id: string): Promise<Report>;
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
