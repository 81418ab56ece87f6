/** The policy a cycle runs under: pure data, resolved when the cycle begins and kept by the run. All durations in ms. */

const second = 1000;
const hour = 60 * 60 * second;
const day = 24 * hour;

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** When a customer can be expected to answer: `HH:MM` of the customer's day; `zone` where the customer's is not known. */
export interface BusinessHours {
  days: (typeof weekdays)[number][];
  from: string;
  to: string;
  zone?: string;
  /** `YYYY-MM-DD`. */
  holidays: string[];
}

/** The customer is asked whether it is fixed before the report is closed (MEF 124). */
export interface Confirmation {
  /** How long the customer has, in business time. */
  window: number;
  /** How long before its end the one warning is sent, in business time; null = none. */
  warnBefore: number | null;
  /** What silence means: `close`, or `hold` until the customer or an operator says more. */
  onSilence: 'close' | 'hold';
  /** null = every hour counts. */
  businessHours: BusinessHours | null;
}

export interface Policy {
  /** How long a report has to stay cleared before it is closed. */
  holdDown: number;
  closing: { giveUpAfter: number };
  /** null = closed without asking. */
  confirmation: Confirmation | null;
  survey: {
    enabled: boolean;
    delay: number;
    expiresAfter: number;
    /** After sending; at most one; null = none. */
    reminderAfter: number | null;
    /** `once`: never again for a report; `each`: one a cycle; `replace`: one a cycle, the newer supersedes the older. */
    perCycle: 'once' | 'each' | 'replace';
    /** At most `count` surveys per customer in `per`. */
    contactCap: { count: number; per: number } | null;
    /** No mail from … to … of the customer's day, `HH:MM`; `to` may be the next morning; `zone` where the customer's is not known. */
    quietHours: { from: string; to: string; zone?: string } | null;
    /** Percent of reports, chosen by a hash of the report id. */
    sample: number;
  };
  /** `escalateAfter`: how many reopenings a report may have before an operator is called. */
  reopen: { within: number; escalateAfter: number };
  alert: { scoreAtMost: number };
}

/** The policy for one report: of the first rule that fits it. */
export type PolicyFor = (report: {
  ticketType: string;
  severity: string;
  priority?: string;
  customerId?: string;
}) => Policy;

export const defaultPolicy: Policy = {
  holdDown: 0,
  closing: { giveUpAfter: 7 * day },
  confirmation: null,
  survey: {
    enabled: true,
    delay: 0,
    expiresAfter: 14 * day,
    reminderAfter: 7 * day,
    perCycle: 'each',
    contactCap: { count: 1, per: 7 * day },
    quietHours: null,
    sample: 100,
  },
  reopen: { within: 7 * day, escalateAfter: 3 },
  alert: { scoreAtMost: 2 },
};

/** What a policy that wants the customer's confirmation leaves out. */
export const defaultConfirmation: Confirmation = {
  window: 16 * hour,
  warnBefore: 8 * hour,
  onSilence: 'close',
  businessHours: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00', holidays: [] },
};
