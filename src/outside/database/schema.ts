/** The tables of the store. Times are `timestamptz`; ids are ours unless said otherwise. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Situation } from '../../policy/status.js';
import type { Complaint, ReportStatus, Score, SurveyEvent } from '../../contract/reports.js';

/** The last sweep's result; one row. */
interface SweepTable {
  id: Generated<number>;
  reports: number;
  told: JSONColumnType<Record<string, number>>;
  failed: number;
  took_ms: number;
  at: Time;
}

type Time = ColumnType<Date, Date | string, Date | string>;
type TimeOrNull = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;

export interface Database {
  customers: { id: string; created_at: Generated<Date> };
  contacts: ContactTable;
  reports: ReportTable;
  status_changes: StatusChangeTable;
  surveys: SurveyTable;
  answers: AnswerTable;
  answer_revisions: RevisionTable;
  messages: MessageTable;
  survey_events: EventTable;
  sweeps: SweepTable;
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
  /** When Closeout received the change to cleared; null where an outside writer made it. */
  clear_received_at: TimeOrNull;
  closed_at: TimeOrNull;
  last_update: Generated<Date>;
  /** What the report's run was last known to know: where it differs from `status` and `cycle`, the run was not told. */
  run_status: Generated<Situation['status']>;
  /** 0: no run has looked the report up since it was opened. */
  run_cycle: Generated<number>;
  /** When all that says who the customer is was removed. */
  forgotten_at: TimeOrNull;
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
  claimed_at: Generated<Date>;
  /** First try to hand the mail over: fixes its Date and its expiry, so that every other try is the same mail. */
  mailed_at: TimeOrNull;
  sent_at: TimeOrNull;
  reminded_at: TimeOrNull;
  expires_at: TimeOrNull;
  reopen_until: TimeOrNull;
  /** Revision of the low score that an operator was told of; null again once told that it was changed to a better one. */
  alerted_revision: number | null;
  /** Whether the customer says that it is fixed; null: was not asked. `withdrawn`: opened again before it was said. */
  confirmation: 'claimed' | 'sent' | 'yes' | 'no' | 'silence' | 'released' | 'unreachable' | 'withdrawn' | null;
  /** The clearing that was asked about; a later one in the same cycle is asked about anew. */
  confirm_for: TimeOrNull;
  confirm_until: TimeOrNull;
  confirmed_at: TimeOrNull;
  warned_at: TimeOrNull;
  /** What the customer says is still wrong. */
  confirm_reason: string | null;
  /** The report's run was told what the customer says. */
  confirm_told: Generated<boolean>;
}

/** What the customer says now. `at`: of the first answer. */
interface AnswerTable {
  survey_id: string;
  score: Score | null;
  solved: boolean | null;
  complaints: Generated<Complaint[]>;
  comment: string | null;
  at: Generated<Date>;
  changed_at: Generated<Date>;
  revision: Generated<number>;
  /** The last revision that the report's run was told of. */
  told_revision: Generated<number>;
}

/** Everything the customer ever said, the newest as well. */
interface RevisionTable {
  survey_id: string;
  revision: number;
  score: Score | null;
  solved: boolean | null;
  complaints: Complaint[];
  comment: string | null;
  at: Generated<Date>;
}

/** What happened to a survey and who asked for it; the timeline that operators see. Never an address or a comment. */
interface EventTable {
  id: Generated<string>;
  survey_id: string;
  event: SurveyEvent;
  by: string | null;
  detail: string | null;
  at: Generated<Date>;
}

/** What customers wrote back, and what operators answered. */
interface MessageTable {
  id: string;
  survey_id: string;
  direction: 'in' | 'out';
  message_id: string | null;
  /** Of `out`: the operator; of `in`: null if it came from the report's own address. */
  author: string | null;
  text: string;
  at: Generated<Date>;
  sent_at: TimeOrNull;
}
