/** Forgetting who a customer is: on request, or when reports are old. Scores, states and opt-outs (as hashes) stay. */
import { sql, type Transaction } from 'kysely';
import { CloseoutError } from '../contract/errors.js';
import type { Db } from './database/database.js';
import type { Database } from './database/schema.js';
import { noteEvent } from './surveys/surveys.js';

type Tx = Transaction<Database>;

export type Customers = ReturnType<typeof customerTable>;

/** Reports forgotten in one transaction. */
const atOnce = 200;

export function customerTable(db: Db) {
  return {
    /** Returns the reports that were of this customer. Throws `NotFound`. Safe to repeat. */
    async erase(customerId: string): Promise<string[]> {
      return db.transaction().execute(async (tx) => {
        const known = await tx
          .selectFrom('customers')
          .select('id')
          .where('id', '=', customerId)
          .forUpdate()
          .executeTakeFirst();
        if (!known) throw new CloseoutError('NotFound', `There is no customer ${customerId}.`, 'customer');
        const rows = await tx.selectFrom('reports').select('id').where('customer_id', '=', customerId).execute();
        const ids = rows.map(({ id }) => id);
        await forget(tx, ids);
        return ids;
      });
    },

    /** Of reports that ended before, some a transaction. Returns how many there were. Safe to repeat. */
    async forgetEndedBefore(time: Date): Promise<number> {
      let forgotten = 0;
      for (;;) {
        const count = await db.transaction().execute((tx) => forgetNext(tx, time));
        if (count === 0) return forgotten;
        forgotten += count;
      }
    },
  };
}

async function forgetNext(tx: Tx, time: Date): Promise<number> {
  const rows = await tx
    .selectFrom('reports')
    .select('id')
    .where('status', 'in', ['closed', 'cancelled', 'rejected'])
    .where(sql<Date>`coalesce(closed_at, last_update)`, '<', time)
    .where((eb) => eb.or([eb('forgotten_at', 'is', null), eb('last_update', '>', eb.ref('forgotten_at'))]))
    .limit(atOnce)
    .forUpdate()
    .skipLocked()
    .execute();
  const ids = rows.map(({ id }) => id);
  await forget(tx, ids);
  return ids.length;
}

async function forget(tx: Tx, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const contacts = await tx.deleteFrom('contacts').where('report_id', 'in', ids).returningAll().execute();
  for (const id of ids) {
    const own = contacts.filter(({ report_id }) => report_id === id);
    await forgetReport(
      tx,
      id,
      own.flatMap(({ name, email_address }) => [name ?? '', email_address ?? '']),
    );
  }
  await tx.updateTable('status_changes').set({ reason: null, by: null }).where('report_id', 'in', ids).execute();
  const surveys = await tx.selectFrom('surveys').select(['id', 'state']).where('report_id', 'in', ids).execute();
  for (const { id, state } of surveys) await forgetSurvey(tx, id, state);
}

/** A name or address may also stand in what others wrote about the report. */
async function forgetReport(tx: Tx, id: string, words: string[]): Promise<void> {
  const report = await tx.selectFrom('reports').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const scrub = <T>(value: T) =>
    withoutWords(
      value,
      words.filter((word) => word.length > 2),
    ) as T;
  const { relatedContactInformation: _, note: __, attachment: ___, ...kept } = report.document;
  const parties = kept['relatedParty'];
  const unnamed = Array.isArray(parties)
    ? { relatedParty: (parties as object[]).map((party) => ({ ...party, name: undefined })) }
    : {};
  await tx
    .updateTable('reports')
    .set({
      document: JSON.stringify(scrub({ ...kept, ...unnamed })),
      description: scrub(report.description),
      name: scrub(report.name),
      status_reason: null,
      forgotten_at: sql`now()`,
    })
    .where('id', '=', id)
    .execute();
}

/** An open survey ends: there is nobody left to answer it. */
async function forgetSurvey(tx: Tx, id: string, state: string): Promise<void> {
  const isOpen = state === 'claimed' || state === 'sent';
  await tx.updateTable('surveys').set({ confirm_reason: null }).where('id', '=', id).execute();
  const ask = tx.updateTable('surveys').set({ confirmation: 'unreachable' }).where('id', '=', id);
  await ask.where('confirmation', 'in', ['claimed', 'sent']).execute();
  const mark = { reason: 'erased', ...(isOpen ? { state: 'expired' as const } : {}) };
  if (isOpen || state === 'answered') await tx.updateTable('surveys').set(mark).where('id', '=', id).execute();
  await tx.updateTable('answers').set({ comment: null }).where('survey_id', '=', id).execute();
  await tx.updateTable('answer_revisions').set({ comment: null }).where('survey_id', '=', id).execute();
  await tx.updateTable('messages').set({ text: '', message_id: null }).where('survey_id', '=', id).execute();
  await noteEvent(tx, id, 'erased');
}

function withoutWords(value: unknown, words: string[]): unknown {
  if (typeof value === 'string') {
    const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return words.length > 0 ? value.replace(new RegExp(escaped.join('|'), 'gi'), '[erased]') : value;
  }
  if (Array.isArray(value)) return value.map((entry) => withoutWords(entry, words));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutWords(entry, words)]));
}
