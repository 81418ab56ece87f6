/** 0011: the questions that customers were asked, each version of its own, and answers to follow-up questions. */
import { sql, type Kysely, type Migration } from 'kysely';

export const questions: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table questions (
        id int generated always as identity primary key,
        name text not null,
        version int not null,
        scale text not null,
        -- Not jsonb, which does not keep the order of languages.
        definition json not null,
        unique (name, version)
      )`.execute(db);
    // What every customer was asked so far.
    const definition = {
      followUps: [
        {
          id: 'reasons',
          atMost: 3,
          choices: ['slow', 'notSolved', 'poorlyInformed', 'unfriendly', 'repeatedFault'].map((id) => ({ id })),
        },
      ],
    };
    await sql`insert into questions (name, version, scale, definition)
      values ('satisfaction', 1, 'satisfaction', ${JSON.stringify(definition)}::json)`.execute(db);
    await sql`alter table surveys add column question_id int not null default 1 references questions`.execute(db);
    await sql`create index surveys_by_question on surveys (customer_id, question_id, decided_at)`.execute(db);
    await sql`alter table survey_days add column question_id int not null default 1`.execute(db);
    for (const table of ['answers', 'answer_revisions']) {
      const name = sql.id(table);
      await sql`alter table ${name} drop constraint ${sql.id(`${table}_score_check`)}`.execute(db);
      await sql`alter table ${name} add column follow_ups jsonb not null default '{}'`.execute(db);
      await sql`update ${name} set follow_ups = jsonb_build_object('reasons', to_jsonb(complaints)) where complaints <> '{}'`.execute(
        db,
      );
      await sql`alter table ${name} drop column complaints`.execute(db);
    }
  },
};
