/** The connection pool to PostgreSQL, and the migrations that run before anything else. */
import { Kysely, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { CloseoutError } from '../../contract/errors.js';
import { migrations } from './migrations.js';
import type { Database } from './schema.js';

export type Db = Kysely<Database>;

/** `onError` hears of idle connections that broke; queries report their own errors. */
export function openDatabase(url: string, onError: (error: Error) => void): Db {
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 5_000 });
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError)); // also while in use between two queries, or the process dies
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}

/** Kysely's migrator holds an advisory lock meanwhile, so many processes may start at once. */
export async function migrate(db: Db): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw unreachable(error) ?? (error as Error);
}

const down = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EHOSTUNREACH']);

/** A clear error if this one means that the database cannot be reached or is stopping or starting (class 57P, 08). */
export function unreachable(error: unknown): CloseoutError | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const lost =
    typeof message === 'string' && /Connection terminated|timeout exceeded when trying to connect/.test(message);
  if (!lost && !(typeof code === 'string' && (down.has(code) || /^(57P0|08)/.test(code)))) return undefined;
  return new CloseoutError(
    'DatabaseUnavailable',
    'The database cannot be reached; try again, and see whether DATABASE_URL is right and PostgreSQL is up.',
    undefined,
    { cause: error },
  );
}

/** PostgreSQL keeps every character but NUL. */
export function malformed(error: unknown): CloseoutError | undefined {
  const { code } = error as { code?: unknown };
  if (code !== '22021' && code !== '22P05') return undefined;
  return new CloseoutError('BadInput', 'The character NUL (U+0000) is not allowed anywhere.');
}
