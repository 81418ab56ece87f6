/** Removes personal data: on request, or when reports are old. Scores, states and hashed opt-outs stay. */
import { sql } from 'kysely';
import { CloseoutError } from '../contract/errors.js';
import { endedStatuses } from '../policy/status.js';
import { lockCustomer } from './customers.js';
import type { Db, Tx } from './database/database.js';

export interface CustomerErasure {
  /** Returns the ids of the customer's reports. Throws `NotFound`. Safe to repeat, as it has to be if it is interrupted. */
  erase(customerId: string): Promise<string[]>;
  /** Number of a customer's reports. */
  countOf(customerId: string): Promise<number>;
  /**
   * Removes the personal data of reports that ended so many days ago and whose surveys are over. Returns how many there were. Safe
   * to repeat.
   */
  forgetEnded(days: number): Promise<number>;
  /** How many reports that would be. */
  countEnded(days: number): Promise<number>;
}

/** Reports per transaction. */
const batchSize = 200;

export function customerErasure(db: Db): CustomerErasure {
  return {
    async erase(customerId) {
      const known = db.selectFrom('customers').select('id').where('id', '=', customerId);
      if (!(await known.executeTakeFirst()))
        throw new CloseoutError('NotFound', `There is no customer ${customerId}.`, 'customer');
      const erasedIds: string[] = [];
      let next: string[];
      do {
        next = await db.transaction().execute((tx) => eraseNext(tx, customerId, erasedIds.at(-1) ?? ''));
        erasedIds.push(...next);
      } while (next.length > 0);
      return erasedIds;
    },

    async countOf(customerId) {
      const reports = db.selectFrom('reports').select((eb) => eb.fn.countAll<string>().as('count'));
      return Number((await reports.where('customerId', '=', customerId).executeTakeFirstOrThrow()).count);
    },

    async countEnded(days) {
      const counted = toForget(db, days).select((eb) => eb.fn.countAll<string>().as('count'));
      return Number((await counted.executeTakeFirstOrThrow()).count);
    },

    async forgetEnded(days) {
      let forgotten = 0;
      let count: number;
      do {
        count = await db.transaction().execute((tx) => forgetNext(tx, days));
        forgotten += count;
      } while (count > 0);
      return forgotten;
    },
  };
}

async function eraseNext(tx: Tx, customerId: string, after: string): Promise<string[]> {
  await lockCustomer(tx, customerId);
  // Locked in this order everywhere, so that two jobs never wait for each other.
  const owned = tx.selectFrom('reports').select('id').where('customerId', '=', customerId).where('id', '>', after);
  const rows = await owned.orderBy('id').limit(batchSize).forUpdate().execute();
  const ids = rows.map(({ id }) => id);
  await eraseReports(tx, ids);
  return ids;
}

async function forgetNext(tx: Tx, days: number): Promise<number> {
  const rows = await toForget(tx, days).select('id').limit(batchSize).forUpdate().skipLocked().execute();
  const ids = rows.map(({ id }) => id);
  await eraseReports(tx, ids);
  return ids.length;
}

/** Skips reports whose customers may still answer. */
const toForget = (db: Db, days: number) =>
  db
    .selectFrom('reports')
    // As the indexes have it.
    .where(sql<boolean>`status in (${sql.join(endedStatuses.map((status) => sql.lit(status)))})`)
    // What came to a report that was forgotten before is not kept.
    .where(
      sql<boolean>`(forgotten_at is null and coalesce(closed_at, last_update) < now() - ${days} * interval '1 day' or last_update > forgotten_at)`,
    )
    .where(
      sql<boolean>`not exists (select from surveys s where s.report_id = reports.id and s.state in ('queued', 'sent'))`,
    );

async function eraseReports(tx: Tx, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.deleteFrom('contacts').where('reportId', 'in', ids).execute();
  await tx.deleteFrom('changeReasons').where('reportId', 'in', ids).execute();
  await sql`
    update reports set description = ${erased}, name = case when name is null then null else ${erased} end,
      status_reason = null, external_id = null, forgotten_at = now(), hold = hold - 'note', clear_by = null,
      received = received || '{"dated": []}',
      document = (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(document) where key = any(${impersonal}))
    where id = any(${ids})`.execute(tx);
  await tx.updateTable('statusChanges').set({ reason: null, by: null }).where('reportId', 'in', ids).execute();
  await tx.updateTable('operations').set({ note: null }).where('reportId', 'in', ids).execute();
  const surveys = await tx.selectFrom('surveys').select('id').where('reportId', 'in', ids).execute();
  await eraseSurveys(
    tx,
    surveys.map(({ id }) => id),
  );
}

/** Texts are removed as a whole: it is unknown which of their words are about a person. */
const erased = '[erased]';

/** Attributes of a ticket's document that hold nothing of a person. All others may: parties, contacts, notes, attachments. */
const impersonal = [
  '@type',
  '@baseType',
  '@schemaLocation',
  'channel',
  'requestedResolutionDate',
  'expectedResolutionDate',
  'troubleTicketRelationship',
];

/** Without what the customer wrote; what was ticked is a list. */
const choicesOnly = sql<string>`(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(follow_ups)
  where jsonb_typeof(value) = 'array')`;

/** An open survey ends: nobody is left to answer it. */
async function eraseSurveys(tx: Tx, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const surveys = tx.updateTable('surveys').where('id', 'in', ids);
  await surveys.set({ confirmReason: null }).execute();
  await surveys.set({ confirmation: 'unreachable' }).where('confirmation', 'in', ['queued', 'sent']).execute();
  // Unless it was answered meanwhile.
  await surveys.set({ reason: 'erased', state: 'expired' }).where('state', 'in', ['queued', 'sent']).execute();
  await surveys.set({ reason: 'erased' }).where('state', '=', 'answered').execute();
  await surveys
    .set({ expiresAt: sql<Date>`now()` })
    .where('state', '=', 'undeliverable')
    .execute();
  for (const table of ['answers', 'answerRevisions'] as const)
    await tx.updateTable(table).set({ comment: null, followUps: choicesOnly }).where('surveyId', 'in', ids).execute();
  await tx.updateTable('messages').set({ text: '', messageId: null }).where('surveyId', 'in', ids).execute();
  await tx
    .insertInto('surveyEvents')
    .values(ids.map((surveyId) => ({ surveyId, event: 'erased' as const })))
    .execute();
}
