/**
 * Brings the tables up to date, as a step of its own. While a release is rolled out, processes of the one before run on the newer tables,
 * so a migration never takes away what the release before needs, and none of their statements waits long for it.
 */
import { setTimeout } from 'node:timers/promises';
import { ConstantBackoff, handleWhen, retry } from 'cockatiel';
import { Migrator, sql, type Migration } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import { openDatabase, type Db } from './database.js';
import { migrations as ourMigrations } from './migrations/index.js';

/** One that `isConcurrent` runs outside of a transaction, as `create index concurrently` must, and is safe to repeat. */
export type SchemaMigration = Migration & { isConcurrent?: boolean };
type Migrations = Record<string, SchemaMigration>;

/** A migration may rewrite a large table; ms. */
const longMigration = 3_600_000;

/** A statement that waits for a table's lock blocks all later ones, so a migration gives up soon and retries; ms. */
const [lockWait, pause] = [2_000, 3_000];
/** It waited too long for a lock, or was chosen to end a deadlock. */
const isLocked = ({ cause }: Error): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === '55P03' || cause.code === '40P01');
const untilLocked = retry(handleWhen(isLocked), {
  maxAttempts: longMigration / (lockWait + pause),
  backoff: new ConstantBackoff(pause),
});

/** Returns what was applied, each in a transaction of its own. Safe if several processes start at once. Never reverts a migration. */
export async function migrate(url: string, migrations: Migrations = ourMigrations): Promise<string[]> {
  const db = openDatabase(url, () => undefined, { max: 2, lockMs: longMigration, statementMs: longMigration });
  try {
    if ((await missing(db, migrations)).length === 0) return [];
    return await alone(db, async () => {
      const names = await missing(db, migrations);
      for (const name of names) await untilLocked.execute(() => apply(url, migrations, name));
      return names;
    });
  } finally {
    await db.destroy();
  }
}

/**
 * While one process migrates, others wait, without a statement that is running: a concurrent migration would wait for that in turn. The
 * lock ends with the connection.
 */
function alone<T>(db: Db, work: () => Promise<T>): Promise<T> {
  return db.connection().execute(async (connection) => {
    const lock = sql<{ isOurs: boolean }>`
      select pg_try_advisory_lock(hashtextextended('closeout migrate', 0)) as is_ours`;
    while (!(await lock.execute(connection)).rows[0]?.isOurs) await setTimeout(500);
    return work();
  });
}

/** Nothing waits behind a concurrent migration, and one that gives up leaves an invalid index. */
async function apply(url: string, migrations: Migrations, name: string): Promise<void> {
  const isConcurrent = migrations[name]?.isConcurrent ?? false;
  const lockMs = isConcurrent ? longMigration : lockWait;
  const db = openDatabase(url, () => undefined, { max: 1, lockMs, statementMs: longMigration });
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  try {
    const { error } = await new Migrator({ db, provider, disableTransactions: isConcurrent }).migrateUp();
    if (error) throw error as Error;
  } finally {
    await db.destroy();
  }
}

/** Tables that are newer than this version are fine. Throws `DatabaseOutdated` if they are older. */
export async function assertMigrated(url: string): Promise<void> {
  const db = openDatabase(url, () => undefined, { max: 1 });
  try {
    const [first] = await missing(db, ourMigrations);
    if (first !== undefined)
      throw new CloseoutError(
        'DatabaseOutdated',
        `The database lacks ${first}, which this version needs; run "closeout migrate".`,
      );
  } finally {
    await db.destroy();
  }
}

/** The migrations of this version that the database lacks. */
async function missing(db: Db, migrations: Migrations): Promise<string[]> {
  const table = sql<{ found: boolean }>`select to_regclass('kysely_migration') is not null as found`;
  const isNew = !(await table.execute(db)).rows[0]?.found;
  const { rows } = isNew ? { rows: [] } : await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const applied = new Set(rows.map(({ name }) => name));
  return Object.keys(migrations).filter((name) => !applied.has(name));
}
