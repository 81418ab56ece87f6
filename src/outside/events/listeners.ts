/** Who gets events: webhooks and ticket systems of CLOSEOUT_SYSTEMS, and listeners of the TMF621 hub. */
import { sql } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import type { Db } from '../database/database.js';

export interface Listener {
  name: string;
  kind: 'webhook' | 'hub' | 'system';
  /** Types of the events it gets; null: all. */
  types: string[] | null;
  /** Of a hub's listener. */
  callback: string | null;
  query: string | null;
}

/** How many deliveries one statement removes; it may take 8 s. */
const batchSize = 10_000;

export async function setListeners(
  db: Db,
  kind: 'webhook' | 'system',
  listeners: Pick<Listener, 'name' | 'types'>[],
): Promise<void> {
  const known = await db.selectFrom('listeners').select('name').where('kind', '=', kind).execute();
  const names = new Set(listeners.map(({ name }) => name));
  for (const { name, types } of listeners)
    await db
      .insertInto('listeners')
      .values({ name, kind, types })
      .onConflict((c) => c.column('name').doUpdateSet({ types }))
      .execute();
  for (const { name } of known) if (!names.has(name)) await removeListener(db, name);
}

export function addHubListener(
  db: Db,
  listener: Pick<Listener, 'name' | 'types' | 'callback' | 'query'>,
): Promise<string> {
  const { name, callback, query } = listener;
  return db.transaction().execute(async (tx) => {
    // Two programs that register the same one at once get the same id.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`${callback}\n${query}`}, 0))`.execute(tx);
    const known = await tx
      .selectFrom('listeners')
      .select('name')
      .where('kind', '=', 'hub')
      .where('callback', '=', callback)
      .where('query', 'is not distinct from', query)
      .where(sql<boolean>`types is distinct from '{}'`) // otherwise it is being removed
      .executeTakeFirst();
    if (known) await unpark(tx, known.name);
    else
      await tx
        .insertInto('listeners')
        .values({ ...listener, kind: 'hub' })
        .execute();
    return known?.name ?? name;
  });
}

/** Its deliveries go first, in batches, and it gets no more: changes of reports wait while a listener itself is deleted. */
export async function removeListener(db: Db, name: string): Promise<void> {
  await db.updateTable('listeners').set({ types: [] }).where('name', '=', name).execute();
  const waiting = db.selectFrom('deliveries').select('seq').where('listener', '=', name).limit(1);
  while (await waiting.executeTakeFirst())
    await sql`
      delete from deliveries where listener = ${name} and seq in (
        select seq from deliveries where listener = ${name} limit ${batchSize} for update skip locked)`.execute(db);
  await db.deleteFrom('listeners').where('name', '=', name).execute();
}

export async function unpark(db: Db, listener: string): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('listeners')
    .set({ parkedAt: null, failingSince: null, failures: 0, failedAt: null, retryAt: null, reason: null })
    .where('name', '=', listener)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new CloseoutError('NotFound', `There is no listener ${listener}.`, 'listener');
  await sql`
    update deliveries set due_at = now(), attempts = 0, failing_since = null, claimed_until = null
    where listener = ${listener} and attempts > 0`.execute(db);
}
