/** The policy that a report is closed under: pure data, resolved at the closing. All durations in ms. */
import type { Cap, Question } from './questions.js';
import { day, hour } from './time.js';

/** No score alerts. */
export const neverAlert = -1;

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** When a customer can be expected to answer: `HH:MM` in the customer's zone, or in `zone` if that is unknown. */
export interface BusinessHours {
  days: (typeof weekdays)[number][];
  from: string;
  to: string;
  zone?: string;
  /** `YYYY-MM-DD`. */
  holidays: string[];
}

/** The customer is asked whether the problem is fixed before the report is closed (MEF 124). */
export interface Confirmation {
  /** Time in which the customer can confirm, in business time. */
  window: number;
  /** The one warning is sent so long before the end of the window, in business time; null = none. */
  warnBefore: number | null;
  /** Without an answer, `close` the report, or `hold` it until the customer or an operator decides. */
  onSilence: 'close' | 'hold';
  /** null = every hour counts. */
  businessHours: BusinessHours | null;
}

export interface Policy {
  /** In whose name the customer is written to: a folder of CLOSEOUT_BRANDS; null = the built-in one. */
  brand: string | null;
  /** The hold-down: time for which a report must stay cleared before it is closed. */
  holdDown: number;
  closing: { giveUpAfter: number };
  /** null = closed without a confirmation. */
  confirmation: Confirmation | null;
  survey: {
    enabled: boolean;
    /** Name of the question: a scale, or one of the policy file's own. */
    question: string;
    /** `handover`: another program brings the link to the customer. */
    channel: 'mail' | 'handover';
    delay: number;
    expiresAfter: number;
    /** After sending; at most one; null = none. */
    reminderAfter: number | null;
    /** `once`: one per report; `each`: one per cycle; `replace`: one per cycle, and the newer supersedes the older. */
    perCycle: 'once' | 'each' | 'replace';
    /** At most `count` surveys per customer in `per`. */
    contactCap: Cap | null;
    /** No mail between these times, `HH:MM` in the customer's zone, or in `zone` if that is unknown; `to` may be the next morning. */
    quietHours: { from: string; to: string; zone?: string } | null;
    /** Percent of reports, chosen by a hash of the report id. */
    sample: number;
  };
  /** `escalateAfter`: from this reopening of a report on, an operator is alerted. */
  reopen: { within: number; escalateAfter: number };
  /** null = what is usual for the question's scale. */
  alert: { scoreAtMost: number | null };
}

/** The attributes by which the policy of most reports is chosen. */
export interface PolicyRule {
  ticketType: string;
  severity: string;
  priority?: string;
  customerId?: string;
}

/** All attributes by which a report's policy can be chosen. `document`: those of the ticket that have no field of their own. */
export interface PolicyFacts extends PolicyRule {
  serviceProblemId?: string;
  externalId?: string;
  name?: string;
  document?: Record<string, unknown>;
}

/**
 * The policy for one report, by the first rule that matches it. `readsTicket`: `PolicyRule` is not enough. `questions`: those of
 * the policy file, by name.
 */
export type PolicyFor = ((report: PolicyFacts) => Policy) & {
  readsTicket?: boolean;
  questions?: ReadonlyMap<string, Question>;
};

export const defaultPolicy: Policy = {
  brand: null,
  holdDown: 0,
  closing: { giveUpAfter: 7 * day },
  confirmation: null,
  survey: {
    enabled: true,
    question: 'satisfaction',
    channel: 'mail',
    delay: 0,
    expiresAfter: 14 * day,
    reminderAfter: 7 * day,
    perCycle: 'each',
    contactCap: { count: 1, per: 7 * day },
    quietHours: null,
    sample: 100,
  },
  reopen: { within: 7 * day, escalateAfter: 3 },
  alert: { scoreAtMost: null },
};

/** Defaults for a policy that asks for the customer's confirmation. */
export const defaultConfirmation: Confirmation = {
  window: 16 * hour,
  warnBefore: 8 * hour,
  onSilence: 'close',
  businessHours: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00', holidays: [] },
};
