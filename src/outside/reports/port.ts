/** The store of all reports in our PostgreSQL, also of those whose tickets live in an external system. */
import type { Contact } from '../../contract/contact.js';
import type { NewReport, Report, ReportChanges, ReportStatus, StatusChange } from '../../contract/reports.js';

export interface ReportDetails {
  contact?: Contact;
  history: StatusChange[];
}

export interface ListQuery {
  /**
   * TMF621 attribute → values, of which one must match. Nested attributes are named with dots; values may also be separated by
   * commas; `.eq`, `.ne`, `.gt`, `.gte`, `.lt` and `.lte` after the name compare.
   */
  filter: Record<string, string | string[]>;
  /** Attributes, `-` before one that descends; newest first if absent. */
  sort?: string[];
  offset: number;
  limit: number;
}

/** Unknown ids throw `ReportNotFound`. Nothing is half done when a method throws. */
export interface ReportsPort {
  /** Throws `ReportExists` if the id is taken. */
  open(report: NewReport & { id: string }): Promise<Report>;
  /** Returns the report with the same external id, if there is one. */
  openOnce(report: NewReport & { id: string; externalId: string }): Promise<{ report: Report; isNew: boolean }>;
  /** Removes a report and everything about it. Its run must have ended. */
  remove(id: string): Promise<void>;
  get(id: string): Promise<Report>;
  contactOf(id: string): Promise<Contact | undefined>;
  /** Contact and status changes of each report, oldest first. */
  detailsOf(ids: string[]): Promise<Map<string, ReportDetails>>;
  list(query: ListQuery): Promise<{ reports: Report[]; total: number }>;
  /** Changes attributes, and moves a report that is still open to another open status. Nothing is changed if `assertFits` throws. */
  update(id: string, changes: ReportChanges, assertFits?: (report: Report) => void): Promise<Report>;
  /** Stores the reason of a change, which may be a customer's words, before the change is signalled. Safe to repeat. */
  addReason(id: string, changeId: string, reason: string): Promise<void>;
  /** Number of reports of a service problem, by status. */
  countOf(serviceProblemId: string): Promise<Partial<Record<ReportStatus, number>>>;
}
