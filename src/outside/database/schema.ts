/** The tables of the store. Times are `timestamptz`; ids are ours unless said otherwise. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { ReportStatus, Score } from '../../contract/reports.js';

type Time = ColumnType<Date, Date | string, Date | string>;
type TimeOrNull = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;

export interface Database {
  customers: { id: string; created_at: Generated<Date> };
  contacts: ContactTable;
  reports: ReportTable;
  status_changes: StatusChangeTable;
  surveys: SurveyTable;
  answers: AnswerTable;
  suppressions: { address_hash: string; reason: string; source: string; at: Generated<Date> };
  opt_outs: { address_hash: string; source: string; at: Generated<Date> };
}

/** The one place where a person's name and address are kept. */
interface ContactTable {
  report_id: string;
  name: string | null;
  email_address: string | null;
  preferred_language: string | null;
  time_zone: string | null;
}

interface ReportTable {
  id: string;
  status: ReportStatus;
  status_reason: string | null;
  cycle: Generated<number>;
  description: string;
  severity: string;
  ticket_type: string;
  name: string | null;
  priority: string | null;
  external_id: string | null;
  customer_id: string | null;
  service_problem_id: string | null;
  opened_at: Time;
  /** Source time of the last status change applied; a later change with an older time is ignored. */
  changed_at: TimeOrNull;
  cleared_at: TimeOrNull;
  closed_at: TimeOrNull;
  last_update: Generated<Date>;
  /** What else TMF621 allows on a ticket, as it was given. */
  document: JSONColumnType<Record<string, unknown>>;
}

/** Every change we were told of; one told twice stands here once, one that came late has `applied` false. */
interface StatusChangeTable {
  id: Generated<string>;
  report_id: string;
  cycle: number;
  status: ReportStatus;
  at: Time;
  by: string | null;
  reason: string | null;
  applied: boolean;
  recorded_at: Generated<Date>;
}

/** One row a report and cycle, also when nothing was sent. `claimed`: decided to send, not yet known to be accepted. */
interface SurveyTable {
  id: string;
  report_id: string;
  cycle: number;
  customer_id: string | null;
  service_problem_id: string | null;
  state: 'claimed' | 'sent' | 'answered' | 'expired' | 'skipped' | 'undeliverable' | 'superseded';
  /** A skip reason, or why it could not be delivered. */
  reason: string | null;
  /** Fixes the Date header, so that a retried mail is the same mail. */
  claimed_at: Generated<Date>;
  sent_at: TimeOrNull;
  reminded_at: TimeOrNull;
  expires_at: TimeOrNull;
}

interface AnswerTable {
  survey_id: string;
  score: Score | null;
  solved: boolean | null;
  comment: string | null;
  at: Generated<Date>;
}
