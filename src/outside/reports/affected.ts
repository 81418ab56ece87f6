/** The reports that an alert is about. */
import { sql } from 'kysely';
import type { Affected } from '../../operator/alerts.js';
import type { Db } from '../database/database.js';
import { isStuck } from './due-reports.js';

export interface AffectedReports {
  inAttention(step: string, code: string): Promise<Affected>;
  /** Surveys and confirmations of the last two weeks that could not be delivered. */
  undeliverable(failure: string, at: Date): Promise<Affected>;
  stuck(): Promise<Affected>;
}

const maxListed = 20;

export function affectedReports(db: Db): AffectedReports {
  const find = async (from: ReturnType<typeof sql>): Promise<Affected> => {
    const { rows } = await sql<{ id: string; failure: string | null; count: number }>`
      select id, failure, count(*) over ()::int as count from (${from}) as affected order by id limit ${maxListed}`.execute(
      db,
    );
    return {
      count: rows[0]?.count ?? 0,
      reports: rows.map(({ id, failure }) => ({ id, failure: failure ?? undefined })),
    };
  };
  return {
    inAttention: (step, code) =>
      find(sql`select id, attention ->> 'failure' as failure from reports
        where attention is not null and attention ->> 'step' = ${step} and attention ->> 'code' = ${code}`),

    undeliverable: (failure, at) =>
      find(sql`select distinct s.report_id as id, null as failure from survey_events e join surveys s on s.id = e.survey_id
        where e.at >= ${at}::timestamptz - interval '14 days' and e.detail = ${failure}
        and (e.event = 'undeliverable' and s.state = 'undeliverable' or e.event = 'unreachable' and s.confirmation = 'unreachable')`),

    stuck: () => find(sql`select id, null as failure from reports where ${isStuck}`),
  };
}
