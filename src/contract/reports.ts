/** Types of a report, its statuses, its phases and its run. */
import type { Contact } from './contact.js';
import type { ScaleName } from './scale.js';
import type { ConfirmationRecord, SurveySummary } from './survey.js';
import type { ErrorCode } from './errors.js';

/** Status of a trouble ticket (TMF621 v4.0.0, TroubleTicketStatusType). `resolved` is what X.790 and eTOM call cleared. */
export const reportStatuses = [
  'acknowledged',
  'rejected',
  'pending',
  'held',
  'inProgress',
  'cancelled',
  'closed',
  'resolved',
] as const;
export type ReportStatus = (typeof reportStatuses)[number];

/** A report that is still being worked on. */
export type OpenStatus = Extract<ReportStatus, 'acknowledged' | 'inProgress' | 'pending' | 'held'>;

/** The phases of the workflow `closeProblemReport`. ARCHITECTURE.md lists what each one waits for. */
export const phases = ['open', 'clearing', 'confirming', 'closing', 'surveying', 'needsAttention', 'done'] as const;
export type Phase = (typeof phases)[number];

/** The phases that lists can be filtered by. `closing` is too short-lived to be one; lists show it as `clearing`. */
export const listedPhases = [
  'open',
  'clearing',
  'confirming',
  'needsAttention',
  'surveying',
  'done',
] as const satisfies Phase[];
export type ListedPhase = (typeof listedPhases)[number];

/** The highest total that the desk's list reports: an exact count of more rows would be expensive. */
export const maxCounted = 10_000;

/** A change of a report's status that its run has to act on. */
export type ChangeKind = 'cleared' | 'reopened' | 'cancelled';

/** One recorded change of status. `at`: when it happened at its source (ISO 8601, UTC). */
export interface StatusChange {
  status: ReportStatus;
  at: string;
  by?: string;
  reason?: string;
}

/** A step that cannot succeed without an operator. */
export interface Attention {
  step: string;
  /** Look it up in docs/errors.md. */
  code: ErrorCode;
  /** The code and a message. */
  failure: string;
  /** ISO 8601, UTC. */
  since: string;
}

/** Input of the workflow `closeProblemReport`. */
export interface RunInput {
  reportId: string;
  /** For the first run of a report that was just stored: it need not look the report up. */
  opened?: OpenedReport;
  /**
   * For continue-as-new: changes that are not written yet, and what else was not acted on. `v`: the version of this form
   * (carried.ts).
   */
  carried?: { v: number; changes: unknown[]; rest?: unknown };
}

/** What the ledger holds about a report that was just stored. */
export interface OpenedReport extends Pick<ReportAttributes, 'ticketType' | 'severity' | 'priority' | 'customerId'> {
  serviceProblemId?: string;
  /** By default 1; more if a report with its id was deleted before. */
  cycle?: number;
  /** The id that the survey of this cycle will have. */
  surveyId: string;
}

/** Result of a finished run. `survey.outcome` is a survey state, `skipped:<reason>` or `none`. */
export interface RunResult {
  outcome: 'closed' | 'cancelled';
  cycle: number;
  survey: { outcome: string; score?: number; scale?: ScaleName };
}

/** Answer of the query `status`. */
export interface RunStatus {
  reportId: string;
  phase: Phase;
  cycle: number;
  /** Held: not closed until released. */
  held: boolean;
  /** Who holds it, why, and since when (ISO 8601). */
  hold?: { by: string; note?: string; since: string };
  waitingFor: string;
  /** ISO 8601, UTC: when the wait ends by itself, if it does. */
  until?: string;
  /** `true`: a mail that was rejected because of its sender is sent again then. */
  isResend?: boolean;
  /** The report is being reopened or cancelled: the system of record has not confirmed it yet. */
  change?: 'reopened' | 'cancelled';
  survey: SurveySummary;
  /** The customer's answer to the survey of this cycle. */
  score?: number;
  /** The scale of the score. */
  scale?: ScaleName;
  /** The operator who does not want the customer to be asked. */
  skipSurveyBy?: string;
  /** Present once the report is done. */
  outcome?: 'closed' | 'cancelled';
  /** The confirmation of this clearing; absent if the customer was not asked about this clearing. */
  confirmation?: ConfirmationRecord['state'];
  attention?: Attention;
  /** Whether the report's run is running in Temporal; `unknown` if Temporal does not answer. */
  run?: 'running' | 'ended' | 'none' | 'unknown';
  /** What did not answer when the run was asked, so that all this is what the ledger holds. */
  silent?: 'worker' | 'temporal';
}

/** What the run of a report is started with, and decisions about it refer to. */
export type ReportKeys = Pick<Report, 'id' | 'cycle' | 'customerId' | 'serviceProblemId'>;

/** The attributes that a caller sets. TMF621 requires `description`, `severity` and `ticketType`. */
export interface ReportAttributes {
  description: string;
  severity: string;
  ticketType: string;
  name?: string;
  priority?: string;
  externalId?: string;
  customerId?: string;
  serviceProblemId?: string;
}

/** A report to be opened. */
export interface NewReport extends ReportAttributes {
  /** Generated if absent. Letters, digits, `.`, `_`, `-`; at most 64. */
  id?: string;
  contact?: Contact;
  /** ISO 8601; now if absent. */
  openedAt?: string;
  /** The author in the report's history. */
  openedBy?: string;
  status?: OpenStatus;
  statusReason?: string;
  /** All other TMF621 attributes, stored and returned unchanged. */
  document?: Record<string, unknown>;
}

/** Changes to a report. What is absent stays; null removes. `document` is merged (RFC 7396). */
export interface ReportChanges extends Partial<Pick<ReportAttributes, 'description' | 'severity' | 'ticketType'>> {
  name?: string | null;
  priority?: string | null;
  externalId?: string | null;
  customerId?: string | null;
  serviceProblemId?: string | null;
  contact?: Contact | null;
  status?: OpenStatus;
  statusReason?: string;
  document?: Record<string, unknown>;
}

/** A report as the system of record holds it, without the contact. Times are ISO 8601, UTC. */
export interface Report extends ReportAttributes {
  id: string;
  status: ReportStatus;
  cycle: number;
  openedAt: string;
  /** When the last change of status happened at its source; null before the first. */
  changedAt: string | null;
  clearedAt?: string;
  closedAt?: string;
  lastUpdate: string;
  statusReason?: string;
  document: Record<string, unknown>;
}
