/** The tables of the store, named in camelCase here and in snake_case in the database. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Scope } from '../../contract/access.js';
import type { Attention, ReportStatus } from '../../contract/reports.js';
import type { FollowUpAnswers, QuestionSet } from '../../contract/question.js';
import type { ScaleName } from '../../contract/scale.js';
import type { ConfirmationState, SurveyEvent, SurveyState } from '../../contract/survey.js';
import type { RecordedOperation } from '../../contract/timeline.js';
import type { Received } from '../../policy/changes.js';
import type { Hold } from '../../policy/standing.js';
import type { State } from '../../policy/status.js';
import type { Json, Optional, OptionalTime, Time } from './column-types.js';
import type { AlarmTable, DeliveryTable, HintTable, ListenerTable, SystemTable } from './schema-systems.js';

export interface Database {
  customers: { id: string; createdAt: Generated<Date> };
  contacts: ContactTable;
  reports: ReportTable;
  removedReports: { id: string; cycle: number };
  removedSurveys: { id: string; mailedTo: string };
  statusChanges: StatusChangeTable;
  changeReasons: { id: string; reportId: string; reason: string; at: Generated<Date> };
  storedReopenings: {
    id: string;
    reportId: string;
    hasReason: boolean;
    receivedAt: Date;
    /** By the sweep. */
    signalledAt: Date | null;
  };
  questions: QuestionTable;
  surveys: SurveyTable;
  answers: AnswerTable;
  answerRevisions: RevisionTable;
  messages: MessageTable;
  surveyEvents: SurveyEventTable;
  sweeps: SweepTable;
  workers: { id: string; version: string; seenAt: Date; hasEnded: Generated<boolean> };
  apiTokens: ApiTokenTable;
  sessions: SessionTable;
  alarms: AlarmTable;
  systems: SystemTable;
  systemHints: HintTable;
  listeners: ListenerTable;
  deliveries: DeliveryTable;
  operations: OperationTable;
  suppressions: {
    addressHash: string;
    reason: string;
    source: string;
    reportId: Optional<string>;
    at: Generated<Date>;
  };
  optOuts: { addressHash: string; source: string; reportId: Optional<string>; at: Generated<Date> };
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

/** What operators decided about a report. */
interface OperationTable {
  id: Generated<string>;
  reportId: string;
  cycle: number;
  /** The revision under which it was recorded. */
  rev: number;
  name: RecordedOperation;
  by: string;
  note: Optional<string>;
  at: Generated<Date>;
}

interface ReportTable {
  id: string;
  status: ReportStatus;
  statusReason: Optional<string>;
  cycle: Generated<number>;
  /** 1, unless a report with its id was deleted before. */
  firstCycle: Generated<number>;
  description: string;
  severity: string;
  ticketType: string;
  name: Optional<string>;
  priority: Optional<string>;
  externalId: Optional<string>;
  customerId: Optional<string>;
  serviceProblemId: Optional<string>;
  openedAt: Time;
  /** When the last change of status happened at its source. */
  changedAt: OptionalTime;
  clearedAt: OptionalTime;
  /** When Closeout received the change to cleared; null if another program wrote it to the table. */
  clearReceivedAt: OptionalTime;
  closedAt: OptionalTime;
  /** Since when nothing had to be waited for before the closing; null if it was not Closeout that closed the report. */
  closeDueAt: OptionalTime;
  lastUpdate: Generated<Date>;
  /** What the report's run has decided. It differs from `status` if another program has written the status. */
  state: Generated<State>;
  /** The number of the last change that the run has written. */
  rev: Generated<number>;
  /** What was written under that number: a workflow task that was not committed may have written something else. */
  lastWrite: Optional<string>;
  /** The run that may write; null before the first, empty if another program inserted the report. */
  runId: Optional<string>;
  /** How many signals of that run are reflected here. */
  signals: Generated<number>;
  /** The same of the run before. */
  earlierRunId: Optional<string>;
  earlierSignals: Generated<number>;
  received: ColumnType<Received, string | undefined, string>;
  hold: Json<Hold>;
  /** The author of the change to cleared. */
  clearBy: Optional<string>;
  releasedBy: Optional<string>;
  skipSurveyBy: Optional<string>;
  attention: Json<Attention>;
  /** By when the run must have written again; null while it waits for nothing but a signal. */
  expectedAt: OptionalTime;
  /** How often the run was woken since it wrote, and until when it is left alone. */
  wakes: Generated<number>;
  wakeAfter: OptionalTime;
  /** When the customer's personal data was removed. */
  forgottenAt: OptionalTime;
  /** The external system in which the ticket lives, by its name in CLOSEOUT_SYSTEMS; null: our own store. */
  system: Optional<string>;
  ticketId: Optional<string>;
  /** What the system last said, and when that reading began. */
  observedStatus: ColumnType<ReportStatus | null, ReportStatus | null | undefined, ReportStatus | null | undefined>;
  observedAt: OptionalTime;
  /** Who makes a change of ours in the system, and until when; what is read there meanwhile is not another program's. */
  movingBy: Optional<string>;
  movingUntil: OptionalTime;
  /** The marker of the last such change, noted before it is made: whatever its answer was, it may have been made. */
  movingTo: Optional<string>;
  /** When the ticket was first not found there. */
  goneAt: OptionalTime;
  /** All other TMF621 attributes, unchanged. */
  document: JSONColumnType<Record<string, unknown>>;
}

/** Every change of status, each once. */
interface StatusChangeTable {
  id: Generated<string>;
  reportId: string;
  cycle: number;
  status: ReportStatus;
  at: Time;
  by: Optional<string>;
  reason: Optional<string>;
  recordedAt: Generated<Date>;
}

/** `AskedQuestion` in contract/question.ts. */
interface QuestionTable {
  id: Generated<number>;
  name: string;
  version: number;
  scale: ScaleName;
  definition: JSONColumnType<Pick<QuestionSet, 'text' | 'followUps'>>;
}

/** One row per report per cycle: `Survey` in contract/survey.ts. */
interface SurveyTable {
  id: string;
  reportId: string;
  cycle: number;
  customerId: Optional<string>;
  /** null: the built-in one. */
  brand: Optional<string>;
  questionId: Generated<number>;
  serviceProblemId: Optional<string>;
  state: SurveyState;
  reason: Optional<string>;
  decidedAt: Generated<Date>;
  mailedAt: OptionalTime;
  sentAt: OptionalTime;
  mailedTo: Optional<string>;
  earlierAddresses: Generated<string[]>;
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
  confirmActedOn: Generated<boolean>;
}

/** The answer that counts now: `StoredAnswer` in contract/survey.ts. */
interface AnswerTable {
  surveyId: string;
  score: number | null;
  solved: boolean | null;
  followUps: ColumnType<FollowUpAnswers, string, string>;
  comment: string | null;
  at: Generated<Date>;
  changedAt: Generated<Date>;
  revision: Generated<number>;
  actedOnRevision: Generated<number>;
}

/** Every revision of an answer, the newest included. */
interface RevisionTable {
  surveyId: string;
  revision: number;
  score: number | null;
  solved: boolean | null;
  followUps: ColumnType<FollowUpAnswers, string, string>;
  comment: string | null;
  at: Generated<Date>;
}

interface SurveyEventTable {
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
  begunAt: OptionalTime;
  failure: Optional<string>;
}

/** The result of the last sweep; one row. */
interface SweepTable {
  id: Generated<number>;
  counter: number;
  workflowId: string;
  runId: string;
  notified: JSONColumnType<Record<string, number>>;
  failed: number;
  stuck: number;
  tookMs: number;
  at: Time;
  endedUntil: Time | null;
}

/** Log-ins: only the hashes of their ids. */
interface SessionTable {
  hash: string;
  name: string;
  scopes: Scope[];
  expiresAt: Date;
}

/** Tokens of the HTTP API: only their hashes. */
interface ApiTokenTable {
  name: string;
  /** SHA-256, in hex. */
  hash: string;
  scopes: Scope[];
  createdAt: Generated<Date>;
  lastUsedAt: OptionalTime;
}
