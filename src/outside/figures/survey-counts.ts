/**
 * Surveys counted for the figures. The counts of each day are kept, by the day on which a survey was decided; only days on which
 * something happened since are counted again. So the figures are exact, and their cost does not grow with what is stored.
 */
import { sql, type RawBuilder } from 'kysely';
import type { SurveyCount } from '../../operator/satisfaction.js';
import type { Db } from '../database/database.js';

const dayOf = sql`(s.decided_at at time zone 'UTC')::date`;

/** Transactions that were open when the counts were made. */
const overlap = sql`interval '10 minutes'`;

/** The days of surveys that were decided, or to which or to whose reports something happened, since the counts were made. */
const changedDays = sql`
  select day from survey_days_to_count
  union select distinct ${dayOf} as day from surveys s, survey_roll_up u where s.decided_at > u.at - ${overlap}
  union select distinct ${dayOf} from survey_roll_up u join survey_events e on e.at > u.at - ${overlap}
    join surveys s on s.id = e.survey_id
  union select distinct ${dayOf} from survey_roll_up u join events e on e.at > u.at - ${overlap}
    join surveys s on s.id = e.survey_id
  union select distinct ${dayOf} from survey_roll_up u
    join events e on e.at > u.at - ${overlap} and e.type = 'report.changed' join surveys s on s.report_id = e.report_id`;

const columns = sql`month, ticket_type, service_problem, state, reason, was_sent, question_id, score`;

/** Every survey, as the figures count it. */
const counted = (where: RawBuilder<unknown>) => sql`
  select ${dayOf} as day, to_char(coalesce(s.sent_at, s.decided_at) at time zone 'UTC', 'YYYY-MM') as month,
    r.ticket_type, s.service_problem_id as service_problem, s.state,
    case when s.state in ('skipped', 'undeliverable') then s.reason end as reason,
    -- A question on the confirmation page was only asked if the customer came to the page.
    s.sent_at is not null and (a.survey_id is not null or s.confirmation is null
      or s.confirmation not in ('silence', 'released')) as was_sent,
    s.question_id, a.score, count(*)::int as count
  from surveys s join reports r on r.id = s.report_id left join answers a on a.survey_id = s.id
  where ${where}
  group by 1, 2, 3, 4, 5, 6, 7, 8, 9`;

/** A day as a range of times, so that its surveys are found by index. */
const isOnThatDay = sql`s.decided_at >= (changed.day::timestamp at time zone 'UTC')
  and s.decided_at < ((changed.day + 1)::timestamp at time zone 'UTC')`;

export async function countSurveys(db: Db): Promise<SurveyCount[]> {
  const { rows } = await sql<SurveyCount>`
    with changed as materialized (${changedDays})
    select days.*, q.name as question, q.version, q.scale from (select ${columns}, sum(count)::int as count from (
      select ${columns}, count from survey_days where day not in (select day from changed)
      union all select ${columns}, count from (
        select c.* from changed, lateral (${counted(isOnThatDay)}) as c) as fresh
    ) as counted group by ${columns}) as days join questions q on q.id = question_id`.execute(db);
  return rows;
}

/** Counts again the days on which something happened. */
export async function rollUpSurveys(db: Db): Promise<void> {
  // One snapshot: what is committed meanwhile is counted the next time.
  const snapshot = db.transaction().setIsolationLevel('repeatable read');
  await snapshot.execute(async (tx) => {
    // One at a time: the row stays locked until the transaction ends.
    await sql`select from survey_roll_up for update`.execute(tx);
    const startedAt = sql<Date>`now()`;
    await sql`create temp table changed on commit drop as ${changedDays}`.execute(tx);
    await sql`delete from survey_days where day in (select day from changed)`.execute(tx);
    await sql`insert into survey_days (day, ${columns}, count)
      select day, ${columns}, count from (${counted(sql`exists (select from changed where ${isOnThatDay})`)}) as fresh`.execute(
      tx,
    );
    await sql`delete from survey_days_to_count where day in (select day from changed)`.execute(tx);
    await sql`update survey_roll_up set at = ${startedAt}`.execute(tx);
  });
  await compareOnceADay(db);
}

/** The days on which surveys of this report were decided are counted again: the report is about to be removed. */
export async function recountDaysOf(tx: Db, reportId: string): Promise<void> {
  await sql`insert into survey_days_to_count select distinct ${dayOf} from surveys s where s.report_id = ${reportId}
    on conflict do nothing`.execute(tx);
}

/** Another program may have added or removed surveys, even old ones. Month by month, so that no statement takes long. */
async function compareOnceADay(db: Db): Promise<void> {
  const { rows } = await sql<{ month: string }>`
    select to_char(month, 'YYYY-MM-DD') as month from survey_roll_up, generate_series(
      date_trunc('month', least((select min(day) from survey_days), (select min(decided_at)::date from surveys))),
      now(), interval '1 month') as month
    where compared_at is null or compared_at < now() - interval '1 day'`.execute(db);
  for (const { month } of rows) {
    const [from, to] = [sql`${month}::date`, sql`(${month}::date + interval '1 month')::date`];
    await sql`
      insert into survey_days_to_count select day from
        (select ${dayOf} as day, count(*) from surveys s
          where s.decided_at >= ${from}::timestamp at time zone 'UTC' and s.decided_at < ${to}::timestamp at time zone 'UTC' group by 1) as stored
        full join (select day, sum(count) as count from survey_days where day >= ${from} and day < ${to} group by 1) as kept using (day)
        where stored.count is distinct from kept.count
      on conflict do nothing`.execute(db);
  }
  if (rows.length > 0) await sql`update survey_roll_up set compared_at = now()`.execute(db);
}
