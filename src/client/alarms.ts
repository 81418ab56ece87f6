/** The client's operations on alarms: one that fires is a report, and one that ends clears it. */
import { createHash } from 'node:crypto';
import { hasCode } from '../contract/errors.js';
import { emailAddressPattern } from '../contract/contact.js';
import type { NewReport, Report } from '../contract/reports.js';
import type { AlarmTable, KnownAlarm } from '../outside/alarms.js';
import { now } from '../outside/database/clock.js';
import type { PolicyFor } from '../policy/settings.js';
import { stateOf } from '../policy/status.js';
import { later, minute } from '../policy/time.js';
import type { ChangeRequest, CloseoutClient } from '../client.js';

/** An alarm that began or ended. */
export interface Alarm {
  /** The same for the same alarm, whenever it fires. */
  fingerprint: string;
  isFiring: boolean;
  /** ISO 8601: when it began, which tells one firing from the next. */
  startsAt: string;
  /** ISO 8601: when it ended; absent while it fires. */
  endsAt?: string;
  name: string;
  description: string;
  severity: string;
  customerId?: string;
  serviceProblemId?: string;
  emailAddress?: string;
}

/** The outcome of a webhook. `unchanged`: the alarm was already known, or ended before it was known. */
export type AlarmOutcome = 'opened' | 'reopened' | 'cleared' | 'unchanged';

/** Opens a report about an alarm, in the external system of its source, and returns its id. Asks `beforeWrite` whether it still may. */
export type OpenInSystem = (ticket: NewReport, reference: string, beforeWrite: BeforeWrite) => Promise<string>;
type BeforeWrite = () => Promise<unknown>;
type Open = (ticket: NewReport, reference: string) => Promise<string>;

/** An alarm, and how often it has fired with its start. */
type Firing = Alarm & Pick<KnownAlarm, 'firings'>;

type Reports = Pick<CloseoutClient, 'open' | 'clear' | 'reopen' | 'get'>;

export class AlarmService {
  constructor(
    private readonly reports: Reports,
    private readonly alarms: AlarmTable,
  ) {}

  /**
   * Safe to repeat, even if both Alertmanagers of a pair send it: a firing and its end each count once. An alarm that fires again
   * reopens its report, or opens a follow-up once the policy's time to reopen is over.
   */
  receive(source: string, alarm: Alarm, policyFor: PolicyFor, openInSystem?: OpenInSystem): Promise<AlarmOutcome> {
    return this.alarms.exclusively(source, alarm.fingerprint, async (assertHeld) => {
      const known = await this.alarms.find(source, alarm.fingerprint);
      const report = known && (await this.reports.get(known.reportId));
      if (known && (alarm.isFiring ? isKnownFiring : isEarlierEnd)(alarm, known)) return 'unchanged';
      // The start that we know, if it is later: a change of that firing must not look like a change of an earlier one.
      const isNewer = !known || Date.parse(alarm.startsAt) > known.startsAt.getTime();
      const startsAt = isNewer ? alarm.startsAt : known.startsAt.toISOString();
      const firings = isNewer ? 0 : known.firings;
      if (!alarm.isFiring) {
        const outcome = await this.end(source, { ...alarm, startsAt, firings: Math.max(1, firings) }, report);
        await this.alarms.noteEnd(source, alarm.fingerprint);
        return outcome;
      }
      const firing = { ...alarm, startsAt, firings: firings + 1 };
      const open =
        openInSystem && ((ticket: NewReport, reference: string) => openInSystem(ticket, reference, assertHeld));
      return this.fire(source, firing, report, policyFor, open);
    });
  }

  private async fire(
    source: string,
    alarm: Firing,
    before: Report | undefined,
    policyFor: PolicyFor,
    openInSystem: Open | undefined,
  ): Promise<AlarmOutcome> {
    const { fingerprint, firings } = alarm;
    const startsAt = new Date(alarm.startsAt);
    const note = (reportId: string) => this.alarms.set(source, fingerprint, { reportId, startsAt, firings });
    const state = before && stateOf(before.status);
    const isCurrent = state === 'open' || state === 'cleared';
    if (before && (isCurrent || (state === 'closed' && canReopen(before, policyFor)))) {
      // Even if it seems open: no worker may have processed the end of the last firing yet.
      await this.reports.reopen(before.id, changeOf(source, alarm));
      await note(before.id);
      return state === 'open' ? 'unchanged' : 'reopened';
    }
    await note(await this.open(source, alarm, before, openInSystem));
    return 'opened';
  }

  /** Under an id that is always the same for this firing: one that was opened before it could be noted is found again. */
  private async open(
    source: string,
    alarm: Firing,
    before: Report | undefined,
    openInSystem: Open | undefined,
  ): Promise<string> {
    const opening = openingOf(alarm, before);
    const reference = `${alarm.fingerprint}-${new Date(alarm.startsAt).getTime()}${againOf(alarm)}`;
    if (openInSystem) return openInSystem(opening, reference);
    const id = `${source}-${createHash('sha256').update(reference).digest('hex').slice(0, 16)}`;
    await this.reports.open({ ...opening, id, openedBy: authorOf(source) }).catch((error: unknown) => {
      if (!hasCode(error, 'ReportExists')) throw error;
    });
    return id;
  }

  private async end(source: string, alarm: Firing, report: Report | undefined): Promise<AlarmOutcome> {
    const state = report && stateOf(report.status);
    if (!report || state === 'cancelled') return 'unchanged';
    // Even if it seems cleared or closed: no worker may have processed its reopening yet.
    await this.reports.clear(report.id, changeOf(source, alarm));
    return state === 'open' ? 'cleared' : 'unchanged';
  }
}

const authorOf = (source: string): string => `alarm:${source}`;

/** The id makes both webhooks of a pair one change. No time is stated: the order in which alarms come counts, not their clock. */
function changeOf(source: string, alarm: Firing): ChangeRequest {
  const { fingerprint, isFiring, startsAt } = alarm;
  const kind = isFiring ? 'firing' : 'resolved';
  return { id: `alarm:${fingerprint}:${startsAt}:${kind}${againOf(alarm)}`, by: authorOf(source) };
}

/** Tells the firings with the same start apart. */
const againOf = ({ firings }: Firing): string => (firings > 1 ? `:${firings}` : '');

/** The longest delay between the webhooks of a high-availability pair; ms. */
const maxDelay = 5 * minute;

/** The last firing, or an earlier one, sent again. After that delay, it is a new one: Prometheus could not reach Alertmanager for a while. */
const isKnownFiring = ({ startsAt }: Alarm, known: KnownAlarm): boolean =>
  Date.parse(startsAt) <= known.startsAt.getTime() && !(known.endedAt && later(known.endedAt, maxDelay) < now());

/**
 * The end of an earlier firing, sent again. An alarm of two Prometheus servers begins, once Alertmanager has heard of both, when the first
 * of them saw it, which may be before the start that we know.
 */
const isEarlierEnd = ({ startsAt, endsAt = startsAt }: Alarm, known: KnownAlarm): boolean =>
  Date.parse(startsAt) < known.startsAt.getTime() && Date.parse(endsAt) <= known.startsAt.getTime();

function canReopen({ closedAt, ...report }: Report, policyFor: PolicyFor): boolean {
  const { within } = policyFor(report).reopen;
  return closedAt !== undefined && later(new Date(closedAt), within) >= now();
}

function openingOf(alarm: Alarm, before: Report | undefined): NewReport {
  const { name, description, severity, customerId, serviceProblemId, emailAddress, fingerprint } = alarm;
  const isAddress = emailAddress !== undefined && emailAddressPattern.test(emailAddress);
  const relationship = { id: before?.id, relationshipType: 'followUp', '@referredType': 'TroubleTicket' };
  return {
    name,
    description,
    severity,
    ticketType: 'alarm',
    externalId: fingerprint,
    customerId,
    serviceProblemId,
    contact: isAddress ? { emailAddress } : undefined,
    document: before ? { troubleTicketRelationship: [relationship] } : undefined,
  };
}
