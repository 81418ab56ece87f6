/** The words of the field: what a report, its statuses, its run and its survey are called everywhere in Closeout. */

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

/** Where a run stands; what each phase waits for is told in ARCHITECTURE.md. */
export const phases = ['open', 'clearing', 'closing', 'surveying', 'needsAttention', 'done'] as const;
export type Phase = (typeof phases)[number];

/** Why a survey was not sent: the first that applies, in this order. */
export const skipReasons = [
  'disabled',
  'noAddress',
  'optedOut',
  'suppressed',
  'contactCap',
  'sampledOut',
  'once',
  'serviceProblem',
  'reopened',
  'cancelled',
  'byOperator',
] as const;
export type SkipReason = (typeof skipReasons)[number];

/** `none` until something was decided; `reason` says why one was skipped or could not be delivered. */
export interface SurveyView {
  state: 'none' | 'sent' | 'answered' | 'expired' | 'skipped' | 'undeliverable' | 'superseded';
  reason?: string;
}

/** What the store knows of one cycle's survey. Times are ISO 8601, UTC. */
export interface SurveyRecord extends SurveyView {
  id?: string;
  sentAt?: string;
  expiresAt?: string;
  /** Until then "not solved" reopens the report; later it opens a new one that refers to it. */
  reopenUntil?: string;
}

/** What came of asking a customer whether a cleared report is fixed. Times are ISO 8601, UTC. */
export interface ConfirmationRecord {
  surveyId: string;
  /** `sent`: the customer may still say it; `silence`: it was closed without a word; `released`: an operator did not wait. */
  state: 'sent' | 'yes' | 'no' | 'silence' | 'released' | 'unreachable';
  /** The clearing that the customer was asked about. */
  clearedAt: string;
  closesAt: string;
}

export const scores = [1, 2, 3, 4, 5] as const;
export type Score = (typeof scores)[number];

/** What a dissatisfied customer may tick. */
export const complaints = ['slow', 'notSolved', 'poorlyInformed', 'unfriendly', 'repeatedFault'] as const;
export type Complaint = (typeof complaints)[number];

/** What can happen to a survey, in its timeline. */
export type SurveyEvent =
  | 'sent'
  | 'sentAgain'
  | 'reminded'
  | 'answered'
  | 'changed'
  | 'extended'
  | 'revoked'
  | 'expired'
  | 'undeliverable'
  | 'superseded'
  | 'bounced'
  | 'delayed'
  | 'wroteBack'
  | 'automaticReply'
  | 'replied'
  | 'optedOut'
  | 'confirmAsked'
  | 'confirmWarned'
  | 'confirmed'
  | 'refused'
  | 'silence'
  | 'released'
  | 'unreachable'
  | 'erased';

/** A step that was refused for good and waits for an operator. */
export interface Attention {
  step: string;
  failure: string;
  /** ISO 8601, UTC. */
  since: string;
}

/** Input of the workflow `closeProblemReport`. Outsiders give `reportId` only; `carried` is for continue-as-new. */
export interface RunInput {
  reportId: string;
  carried?: unknown;
}

/** Result of a finished run. `survey.outcome` is a survey state, `skipped:<reason>` or `none`. */
export interface RunResult {
  outcome: 'closed' | 'cancelled';
  cycle: number;
  survey: { outcome: string; score?: Score };
}

/** Answer of the query `status`. */
export interface RunStatus {
  reportId: string;
  phase: Phase;
  cycle: number;
  waitingFor: string;
  /** ISO 8601, UTC; when the wait ends by itself, if it does. */
  until?: string;
  survey: SurveyView;
  attention?: Attention;
}

/** A change of a report's status that a run is told of. */
export type ChangeKind = 'cleared' | 'reopened' | 'cancelled';

/** What the store knows of one change. `at` is when it happened at its source (ISO 8601, UTC). */
export interface StatusChange {
  status: ReportStatus;
  at: string;
  by?: string;
  reason?: string;
}

/** The person to write to. MEF 124 `relatedContactInformation` with role `reporterContact`. */
export interface Contact {
  name?: string;
  emailAddress?: string;
  /** BCP 47. */
  preferredLanguage?: string;
  /** IANA zone. */
  timeZone?: string;
}

/**
 * One address, ASCII or not, without anything that could make it two or that nobody sees: a dot-atom (RFC 5322 §3.2.3, RFC 6531)
 * and a domain of labels.
 */
export const emailAddressPattern =
  /^(?=.{1,64}@.{1,189}$)[^\s@,;:<>()[\]\\".\p{C}]+(\.[^\s@,;:<>()[\]\\".\p{C}]+)*@[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?(\.[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?)*$/u;

export const emailAddressWords = 'must be one e-mail address such as ann@example.com';

export const languageTagPattern = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

export const languageTagWords = 'must be a language tag such as de or pt-BR';

export const timeZoneWords = 'must be an IANA time zone such as Europe/Berlin';

export function isTimeZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}

/** What a caller gives to open a report; `description`, `severity` and `ticketType` as TMF621 demands. */
export interface NewReport {
  /** Made up when not given. Letters, digits, `.`, `_`, `-`; at most 64. */
  id?: string;
  description: string;
  severity: string;
  ticketType: string;
  name?: string;
  priority?: string;
  externalId?: string;
  customerId?: string;
  serviceProblemId?: string;
  contact?: Contact;
  /** ISO 8601; now when not given. */
  openedAt?: string;
  status?: Extract<ReportStatus, 'acknowledged' | 'inProgress' | 'pending' | 'held'>;
  /** The rest of the TMF621 document, kept and given back as it came. */
  document?: Record<string, unknown>;
}

/** A report as the system of record holds it, without the contact. */
export interface Report {
  id: string;
  status: ReportStatus;
  cycle: number;
  description: string;
  severity: string;
  ticketType: string;
  name?: string;
  priority?: string;
  externalId?: string;
  customerId?: string;
  serviceProblemId?: string;
  openedAt: string;
  /** `at` of the last status change applied, at its source; null before the first. */
  changedAt: string | null;
  clearedAt?: string;
  closedAt?: string;
  lastUpdate: string;
  statusReason?: string;
  document: Record<string, unknown>;
}
