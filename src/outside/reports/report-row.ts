/** One report's row. Each throws `ReportNotFound`. */
import { CloseoutError } from '../../contract/errors.js';
import type { Db } from '../database/database.js';
import type { ReportRow } from './rows.js';

export function found(id: string, row: ReportRow | undefined): ReportRow {
  if (!row) throw new CloseoutError('ReportNotFound', `There is no report ${id}.`);
  return row;
}

export async function read(db: Db, id: string): Promise<ReportRow> {
  return found(id, await db.selectFrom('reports').selectAll().where('id', '=', id).executeTakeFirst());
}

/** Locked until the transaction ends. */
export async function lock(tx: Db, id: string): Promise<ReportRow> {
  return found(id, await tx.selectFrom('reports').selectAll().where('id', '=', id).forUpdate().executeTakeFirst());
}
