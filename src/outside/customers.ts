/** Customers as the database keeps them: an id, which reports refer to and decisions lock. */
import type { Db } from './database/database.js';

export async function addCustomer(tx: Db, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  await tx
    .insertInto('customers')
    .values({ id })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Until the transaction ends, no survey with a cap is decided for this customer. New reports, and other surveys, do not wait. */
export async function lockCustomer(tx: Db, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  await addCustomer(tx, id);
  await tx.selectFrom('customers').select('id').where('id', '=', id).forNoKeyUpdate().execute();
}
