/** The questions that customers were asked. A version is never changed, because answers count under it. */
import { sql } from 'kysely';
import type { AskedQuestion, QuestionSet } from '../../contract/question.js';
import { second } from '../../policy/time.js';
import type { Db } from '../database/database.js';

export interface Questions {
  /** The id of a question as it is now. One that differs from all that were asked under its name becomes the next version. */
  idOf(question: QuestionSet): Promise<number>;
  of(id: number): Promise<AskedQuestion>;
  /** In the order in which they were first asked. */
  all(): Promise<AskedQuestion[]>;
}

/** How long a question is kept in memory; ms. */
const keptFor = 10 * second;

export function questionTable(db: Db): Questions {
  const known = new Map<number, AskedQuestion>();
  const ids = new Map<string, Promise<number>>();
  let knownSince = 0;
  /** A database that was restored to an earlier time may lack a question, or give its id to another one. */
  const forgetOld = () => {
    if (performance.now() - knownSince < keptFor) return;
    known.clear();
    ids.clear();
    knownSince = performance.now();
  };

  const all = async (): Promise<AskedQuestion[]> => {
    const rows = await db.selectFrom('questions').selectAll().orderBy('id').execute();
    const asked = rows.map(({ definition, ...row }) => ({ ...row, ...definition }));
    for (const question of asked) known.set(question.id, question);
    return asked;
  };

  return {
    all,

    async idOf({ name, scale, text, followUps }) {
      forgetOld();
      const definition = JSON.stringify({ text, followUps });
      const key = JSON.stringify([name, scale, definition]);
      const id = ids.get(key) ?? storedId(db, name, scale, definition);
      ids.set(key, id); // many who ask at once ask the database once
      return id.catch((error: unknown) => {
        ids.delete(key);
        throw error;
      });
    },

    async of(id) {
      forgetOld();
      const question = known.get(id) ?? (await all()).find((asked) => asked.id === id);
      if (!question) throw new Error(`There is no question ${id}.`); // surveys refer to it
      return question;
    },
  };
}

async function storedId(db: Db, name: string, scale: QuestionSet['scale'], definition: string): Promise<number> {
  const find = (tx: Db) =>
    tx
      .selectFrom('questions')
      .select('id')
      .where('name', '=', name)
      .where('scale', '=', scale)
      .where(sql<boolean>`definition::text = ${definition}`)
      .executeTakeFirst();
  const stored = await find(db);
  if (stored) return stored.id;
  return db.transaction().execute(async (tx) => {
    // One at a time, so that two workers that start together make one version.
    await sql`lock table questions in share row exclusive mode`.execute(tx);
    return (await find(tx))?.id ?? (await nextVersion(tx, name, scale, definition));
  });
}

async function nextVersion(tx: Db, name: string, scale: QuestionSet['scale'], definition: string): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    insert into questions (name, version, scale, definition)
    select ${name}, coalesce(max(version), 0) + 1, ${scale}, ${definition}::json from questions where name = ${name}
    returning id`.execute(tx);
  return rows[0]?.id ?? 0;
}
