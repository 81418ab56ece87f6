/**
 * Events to be delivered. Triggers write them (database/migrations/0012-events.ts); here they are claimed, in order per report, and what became of
 * each attempt is recorded.
 */
import { sql, type RawBuilder } from 'kysely';
import type { ListenerStatus } from '../../contract/events.js';
import { day, later, minute, second } from '../../policy/time.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import { addHubListener, removeListener, setListeners, unpark, type Listener } from './listeners.js';

/** An event that was claimed for a listener. */
export interface Delivery {
  listener: string;
  seq: string;
  id: string;
  type: string;
  reportId: string;
  cycle: number;
  surveyId: string | null;
  data: Record<string, unknown>;
  at: Date;
  /** When this attempt began. */
  claimedAt: Date;
}

/** Why a listener did not take an event. `ends`: it wants no more events, or will never take this one. */
export interface Failure {
  reason: string;
  ends?: Ended;
}

/** `parked`: nothing more is sent to the listener; `givenUp`: this event is not. */
export type Ended = 'parked' | 'givenUp';

/** `occasion`: the event that is given up, or since when the listener has failed. */
export type OnEnd = (outcome: Ended, occasion: string) => Promise<void>;

export interface Events {
  /** Makes the listeners of a kind those of the file. Events that wait for one that is gone are dropped. */
  setListeners(kind: 'webhook' | 'system', listeners: Pick<Listener, 'name' | 'types'>[]): Promise<void>;
  /** Returns its name, or that of the one with the same callback and query. */
  addHubListener(listener: Pick<Listener, 'name' | 'types' | 'callback' | 'query'>): Promise<string>;
  removeHubListener(name: string): Promise<boolean>;
  /** Those that are not parked, and may be tried now. */
  active(): Promise<Listener[]>;
  /** The next events for a listener: at most one per report, the oldest. They are ours for a minute. */
  claim(listener: string, limit: number): Promise<Delivery[]>;
  delivered(delivery: Delivery): Promise<void>;
  /** Nothing had to be sent. This ends a failure of the listener only if no other delivery to it has failed. */
  dropUnwanted(delivery: Delivery): Promise<void>;
  /**
   * Records why an attempt failed. `ends`: it need not be tried again. Before something ends, `alert` is called, so that it is not lost;
   * possibly several times with the same `occasion`.
   */
  failed(delivery: Delivery, failure: Failure, alert: OnEnd): Promise<void>;
  status(): Promise<ListenerStatus[]>;
  /** Delivers events since a time once more, and unparks the listener. Returns how many. Throws `NotFound`. */
  replay(since: Date, listener?: string): Promise<number>;
  /** Tries a parked listener again. Throws `NotFound`. */
  resume(listener: string): Promise<void>;
  /** A survey is ready to be handed over to another channel. Safe to repeat: once, unless `isAgain`. */
  surveyReady(surveyId: string, data: Record<string, unknown>, isAgain: boolean): Promise<void>;
  /** Removes events that are delivered and old. */
  forget(): Promise<void>;
}

/** For how long an event, or a listener, is tried before it is given up. */
const triedFor = 3 * day;
/** For how long events are kept for `replay`. */
const keptFor = 30 * day;
/** Events, or deliveries, that one statement handles; it may take 8 s. */
const batchSize = 10_000;
/** After this many failures in a row, delivery to the whole listener pauses. */
const maxFailures = 5;

/** 1 s, 2 s, 4 s … at most 10 min, and up to a fifth more, so that not all come at once. */
function pauseAfter(attempts: number): number {
  return Math.min(10 * minute, second * 2 ** Math.min(attempts - 1, 12)) * (1 + Math.random() / 5);
}

export function eventTable(db: Db): Events {
  return {
    setListeners: (kind, listeners) => setListeners(db, kind, listeners),
    addHubListener: (listener) => addHubListener(db, listener),

    async removeHubListener(name) {
      const named = db.selectFrom('listeners').select('name').where('name', '=', name);
      const known = await named.where('kind', '=', 'hub').executeTakeFirst();
      if (known) await removeListener(db, name);
      return known !== undefined;
    },

    active: () =>
      db
        .selectFrom('listeners')
        .select(['name', 'kind', 'types', 'callback', 'query'])
        .where('parkedAt', 'is', null)
        .where((eb) => eb.or([eb('retryAt', 'is', null), eb('retryAt', '<=', sql<Date>`now()`)]))
        .execute(),

    claim: (listener, limit) => claim(db, listener, limit),

    delivered: (delivery) => finish(db, delivery, sql`true`),
    dropUnwanted: (delivery) => finish(db, delivery, isOnlyFailure(delivery)),

    failed: (delivery, failure, alert) => failed(db, delivery, failure, alert),

    async status() {
      const { rows } = await sql<Omit<ListenerStatus, 'failingSince' | 'parkedAt'> & Record<string, Date | null>>`
        select name, kind, failing_since, parked_at, reason,
          (select count(*)::int from deliveries where listener = name) as waiting
        from listeners order by kind desc, name`.execute(db);
      return rows.map(({ failingSince, parkedAt, reason, ...row }) => ({
        ...(row as Pick<ListenerStatus, 'name' | 'kind' | 'waiting'>),
        failingSince: failingSince?.toISOString(),
        parkedAt: parkedAt?.toISOString(),
        reason: (reason as string | null) ?? undefined,
      }));
    },

    async replay(since, listener) {
      if (listener !== undefined) await unpark(db, listener);
      return replay(db, since, listener);
    },

    resume: (listener) => unpark(db, listener),

    async surveyReady(surveyId, data, isAgain) {
      await sql`
        select note_event('survey.ready', s.report_id, s.cycle, s.id, ${JSON.stringify(data)}::jsonb) from surveys s
        where s.id = ${surveyId} and (${isAgain} or not exists (select from events e
          where e.type = 'survey.ready' and e.survey_id = s.id and e.data ->> 'kind' = ${data['kind']}))`.execute(db);
    },

    forget: () => forget(db),
  };
}

async function forget(db: Db): Promise<void> {
  const before = later(now(), -keptFor);
  let count: number;
  do {
    const { numAffectedRows } = await sql`
      delete from events where seq in (select seq from events e where at < ${before}
        and not exists (select from deliveries d where d.seq = e.seq) limit ${batchSize})`.execute(db);
    count = Number(numAffectedRows ?? 0);
  } while (count === batchSize);
}

async function replay(db: Db, since: Date, listener: string | undefined): Promise<number> {
  const until = now();
  let position = { at: since.toISOString(), seq: '0' };
  let replayed = 0;
  for (;;) {
    // The time as text: a Date has no microseconds.
    const { rows } = await sql<{ at: string | null; seq: string; count: number }>`
      with batch as (
        select seq, report_id, type, at from events where (at, seq) > (${position.at}::timestamptz, ${position.seq}::bigint) and at <= ${until}
        order by at, seq limit ${batchSize} for key share),
      added as (
        insert into deliveries (listener, seq, report_id)
        select l.name, b.seq, b.report_id from batch b, listeners l
        where (l.types is null or b.type = any(l.types)) and l.name = coalesce(${listener ?? null}, l.name)
        for key share of l
        on conflict do nothing returning 1),
      last as (select at, seq from batch order by at desc, seq desc limit 1)
      select last.at::text, last.seq, (select count(*)::int from added) as count from last`.execute(db);
    const [batch] = rows;
    if (!batch?.at) return replayed;
    replayed += batch.count;
    position = { at: batch.at, seq: batch.seq };
  }
}

async function claim(db: Db, listener: string, limit: number): Promise<Delivery[]> {
  const { rows } = await sql<Delivery>`
    with due as (
      select d.listener, d.seq from deliveries d
      where d.listener = ${listener} and d.due_at <= now() and (d.claimed_until is null or d.claimed_until < now())
        and not exists (select from deliveries e
          where e.listener = d.listener and e.report_id = d.report_id and e.seq < d.seq)
      order by d.seq limit ${limit} for update skip locked),
    claimed as (
      update deliveries d set claimed_until = now() + interval '1 minute' from due
      where d.listener = due.listener and d.seq = due.seq returning d.*)
    select c.listener, c.claimed_until - interval '1 minute' as claimed_at, e.* from claimed c join events e on e.seq = c.seq order by e.seq`.execute(
    db,
  );
  return rows;
}

/** Removes a delivery, in one statement with the failures of its listener, if those are over. */
async function finish(
  db: Db,
  { listener, seq }: Pick<Delivery, 'listener' | 'seq'>,
  areFailuresOver: RawBuilder<unknown>,
): Promise<void> {
  await sql`
    with done as (delete from deliveries where listener = ${listener} and seq = ${seq})
    update listeners set failures = 0, failed_at = null, failing_since = null, retry_at = null, reason = null
    where name = ${listener} and failures > 0 and ${areFailuresOver}`.execute(db);
}

const isOnlyFailure = ({ seq }: Delivery) =>
  sql`not exists (select from deliveries where listener = name and seq <> ${seq} and attempts > 0)`;

async function failed(db: Db, delivery: Delivery, { reason, ends }: Failure, alert: OnEnd): Promise<void> {
  const { listener, seq, claimedAt } = delivery;
  const giveUp = async () => {
    await alert('givenUp', delivery.id);
    await finish(db, delivery, isOnlyFailure(delivery));
  };
  if (ends === 'givenUp') return giveUp();
  const row = await countFailure(db, listener, claimedAt, reason);
  if (!row) return; // it was removed, or parked by another event
  const limit = now().getTime() - triedFor;
  const isTooLong = (since: Date | null) => since !== null && since.getTime() < limit;
  if (ends === 'parked' || isTooLong(row.failingSince)) {
    await alert('parked', (row.failingSince ?? claimedAt).toISOString());
    await db.updateTable('listeners').set({ parkedAt: now() }).where('name', '=', listener).execute();
    return;
  }
  const ofDelivery = db.updateTable('deliveries').where('listener', '=', listener).where('seq', '=', seq);
  const tried = await ofDelivery
    .set({
      attempts: sql<number>`attempts + 1`,
      failingSince: sql<Date>`coalesce(failing_since, now())`,
      claimedUntil: null,
      dueAt: sql<Date>`now() + interval '1 minute'`,
    })
    .returning(['attempts', 'failingSince'])
    .executeTakeFirst();
  if (!tried) return;
  if (isTooLong(tried.failingSince)) return giveUp();
  await ofDelivery.set({ dueAt: later(now(), pauseAfter(tried.attempts)) }).execute();
}

/** Deliveries that are under way at the same time fail together, which counts once. Undefined if the listener is parked, or gone. */
async function countFailure(db: Db, listener: string, claimedAt: Date, reason: string) {
  const pause = sql`least(600, power(2, least(failures + 1 - ${maxFailures}::int, 12))) * (1 + random() / 5) * interval '1 second'`;
  await sql`
    update listeners set failures = failures + 1, failed_at = now(), failing_since = coalesce(failing_since, now()), reason = ${reason},
      retry_at = case when failures + 1 < ${maxFailures} then null else now() + ${pause} end
    where name = ${listener} and parked_at is null and (failed_at is null or failed_at <= ${claimedAt})`.execute(db);
  const active = db.selectFrom('listeners').select('failingSince').where('parkedAt', 'is', null);
  return active.where('name', '=', listener).executeTakeFirst();
}
