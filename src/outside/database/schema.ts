/** The tables of the store, named in camelCase here and in snake_case in the database. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { ReportStatus } from '../../contract/reports.js';
import type { Complaint, ConfirmationState, Score, SurveyEvent, SurveyState } from '../../contract/survey.js';
import type { State } from '../../policy/status.js';

/** A value that writers may leave out, or give as undefined, for null. */
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null | undefined>;
type Time = ColumnType<Date, Date | string, Date | string>;
type OptionalTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null | undefined>;

export interface Database {
  customers: { id: string; createdAt: Generated<Date> };
  contacts: ContactTable;
  reports: ReportTable;
  statusChanges: StatusChangeTable;
  surveys: SurveyTable;
  answers: AnswerTable;
  answerRevisions: RevisionTable;
  messages: MessageTable;
  surveyEvents: EventTable;
  sweeps: SweepTable;
  suppressions: { addressHash: string; reason: string; source: string; at: Generated<Date> };
  optOuts: { addressHash: string; source: string; at: Generated<Date> };
}

/** The report's contact. */
interface ContactTable {
  reportId: string;
  name: Optional<string>;
  emailAddress: Optional<string>;
  preferredLanguage: Optional<string>;
  timeZone: Optional<string>;
  attributes: JSONColumnType<Record<string, unknown>> | null;
}

interface ReportTable {
  id: string;
  status: ReportStatus;
  statusReason: Optional<string>;
  cycle: Generated<number>;
  description: string;
  severity: string;
  ticketType: string;
  name: Optional<string>;
  priority: Optional<string>;
  externalId: Optional<string>;
  customerId: Optional<string>;
  serviceProblemId: Optional<string>;
  openedAt: Time;
  /** Source time of the last status change applied; a later change with an older time is ignored. */
  changedAt: OptionalTime;
  clearedAt: OptionalTime;
  /** When Closeout received the change to cleared; null if another program wrote it to the table. */
  clearReceivedAt: OptionalTime;
  closedAt: OptionalTime;
  lastUpdate: Generated<Date>;
  /** The state of which the report's run was last notified. If it differs from `status`, the run missed a change. */
  runState: Generated<State>;
  /** 0: no run has looked the report up since it was opened. */
  runCycle: Generated<number>;
  /** When the customer's personal data was removed. */
  forgottenAt: OptionalTime;
  /** All other TMF621 attributes, unchanged. */
  document: JSONColumnType<Record<string, unknown>>;
}

/** Every reported change, each once. `applied` is false for a late one. */
interface StatusChangeTable {
  id: Generated<string>;
  reportId: string;
  cycle: number;
  status: ReportStatus;
  at: Time;
  by: Optional<string>;
  reason: Optional<string>;
  applied: boolean;
  recordedAt: Generated<Date>;
}

/** One row per report per cycle: `Survey` in contract/survey.ts. */
interface SurveyTable {
  id: string;
  reportId: string;
  cycle: number;
  customerId: Optional<string>;
  serviceProblemId: Optional<string>;
  state: SurveyState;
  reason: Optional<string>;
  decidedAt: Generated<Date>;
  mailedAt: OptionalTime;
  sentAt: OptionalTime;
  remindedAt: OptionalTime;
  expiresAt: OptionalTime;
  reopenUntil: OptionalTime;
  alertedRevision: Optional<number>;
  confirmation: Optional<ConfirmationState>;
  confirmFor: OptionalTime;
  confirmUntil: OptionalTime;
  confirmedAt: OptionalTime;
  warnedAt: OptionalTime;
  confirmReason: Optional<string>;
  confirmNotified: Generated<boolean>;
}

/** The answer that counts now: `StoredAnswer` in contract/survey.ts. */
interface AnswerTable {
  surveyId: string;
  score: Score | null;
  solved: boolean | null;
  complaints: Generated<Complaint[]>;
  comment: string | null;
  at: Generated<Date>;
  changedAt: Generated<Date>;
  revision: Generated<number>;
  notifiedRevision: Generated<number>;
}

/** Every revision of an answer, the newest included. */
interface RevisionTable {
  surveyId: string;
  revision: number;
  score: Score | null;
  solved: boolean | null;
  complaints: Complaint[];
  comment: string | null;
  at: Generated<Date>;
}

interface EventTable {
  id: Generated<string>;
  surveyId: string;
  event: SurveyEvent;
  by: Optional<string>;
  detail: Optional<string>;
  at: Generated<Date>;
}

interface MessageTable {
  id: string;
  surveyId: string;
  direction: 'in' | 'out';
  messageId: Optional<string>;
  author: Optional<string>;
  text: string;
  at: Generated<Date>;
  sentAt: OptionalTime;
}

/** The result of the last sweep; one row. */
interface SweepTable {
  id: Generated<number>;
  reports: number;
  notified: JSONColumnType<Record<string, number>>;
  failed: number;
  tookMs: number;
  at: Time;
}
