/** Migrations of a database that is in use. */
import { sql, type Kysely } from 'kysely';
import pg from 'pg';
import { openDatabase } from '../../../src/outside/database/database.js';
import { migrate, type SchemaMigration } from '../../../src/outside/database/migrate.js';
import { loadConfig } from '../../../src/setup/config.js';
import { Stack } from '../../stack/stack.js';
import { until } from '../../stack/waiting.js';

let stack: Stack;
const connections: pg.Client[] = [];
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(async () => {
  for (const connection of connections) await connection.end();
  await stack.end();
});

async function emptyDatabase(name: string): Promise<string> {
  await stack.sql(`create database ${name}`);
  const url = new URL(loadConfig({ ...stack.env }).databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function connect(connectionString: string): Promise<pg.Client> {
  const connection = new pg.Client({ connectionString });
  connection.on('error', () => undefined);
  connections.push(connection);
  await connection.connect();
  return connection;
}

const migration = (...statements: string[]): SchemaMigration => ({
  up: async (db: Kysely<unknown>) => {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
});
const first = { '0001': migration('create table things (id int)') };

test('a migration that waits for a table lets the statements of others pass, and comes back', async () => {
  const url = await emptyDatabase('busy');
  expect(await migrate(url, first)).toEqual(['0001']);
  const long = await connect(url);
  await long.query('begin; select * from things');
  const migrating = migrate(url, { ...first, '0002': migration('alter table things add column name text') });

  const watcher = await connect(url);
  await until('the migration to wait', async () => {
    const { rows } = await watcher.query(`select from pg_locks where not granted and mode = 'AccessExclusiveLock'`);
    return rows.length > 0;
  });
  await watcher.query('insert into things values (1)'); // would wait for as long as the migration does
  await long.query('commit');
  expect(await migrating).toEqual(['0002']);
});

test('a migration that fails does not undo those before it, and is not recorded', async () => {
  const url = await emptyDatabase('failing');
  const failing = migration('create table more (id int)', 'create table things (id int)');
  await expect(migrate(url, { ...first, '0002': failing })).rejects.toThrow('already exists');
  expect(await migrate(url, { ...first, '0002': migration('create table more (id int)') })).toEqual(['0002']);
});

test('an index is created while others write', async () => {
  const url = await emptyDatabase('indexed');
  await migrate(url, first);
  const writer = await connect(url);
  await writer.query('begin; insert into things values (1)');
  const index = migration('drop index if exists things_by_id', 'create index concurrently things_by_id on things (id)');
  const migrating = migrate(url, { ...first, '0002': { ...index, isConcurrent: true } });
  const other = await connect(url);
  await until('the index to be under way', async () => {
    const { rows } = await other.query('select from pg_stat_progress_create_index');
    return rows.length > 0;
  });
  await other.query('insert into things values (2)');
  await writer.query('commit');
  expect(await migrating).toEqual(['0002']);
});

test('of many that migrate at once, one does', async () => {
  const url = await emptyDatabase('many');
  const applied = await Promise.all([1, 2, 3].map(() => migrate(url)));
  expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
});

test('a statement that a connection had prepared goes on after a migration has added a column', async () => {
  const url = await emptyDatabase('prepared');
  await migrate(url, first);
  const db = openDatabase(url, () => undefined, { max: 1 });
  const things = () => sql`select * from things`.execute(db);
  const process = () => sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  await sql`insert into things values (1)`.execute(db);
  await things();
  const before = (await process()).rows;
  await migrate(url, { ...first, '0002': migration('alter table things add column name text') });
  expect((await things()).rows).toEqual([{ id: 1, name: null }]);
  await db.transaction().execute(async (tx) => {
    expect((await sql`select * from things`.execute(tx)).rows).toEqual([{ id: 1, name: null }]);
  });
  expect((await process()).rows).toEqual(before); // on the same connection
  await db.destroy();
});
