/** What the sweep looks for: reports with which something is wrong, never those that are merely quiet. All are index scans. */
import { sql } from 'kysely';
import type { WakeReason } from '../../contract/messages.js';
import type { ReportKeys } from '../../contract/reports.js';
import type { Db } from '../database/database.js';

export type DueReport = ReportKeys & { reason: WakeReason };

export interface DueReports {
  /** Reports whose runs must be woken, at most `limit` for each reason. */
  due(limit: number): Promise<DueReport[]>;
  /**
   * Counts a wake-up, after which the report is left alone for a while. Returns how many there were since its run last wrote; 0 if it
   * waits for an operator.
   */
  markWoken(id: string): Promise<number>;
  /** Those of the next `limit` reports that are not done, in the order of their ids. `next`: where to go on; undefined at the end. */
  unfinished(after: string, limit: number): Promise<{ due: DueReport[]; next: string | undefined }>;
}

/** A report that was woken in vain so many times is stuck: an operator is alerted, once a day. */
export const wakesUntilStuck = 5;
export const isStuck = sql`wakes >= ${sql.lit(wakesUntilStuck)} and attention is null`;

type Row = {
  id: string;
  cycle: number;
  customerId: string | null;
  serviceProblemId: string | null;
  reason: WakeReason;
};

const toDue = ({ customerId, serviceProblemId, ...row }: Row): DueReport => ({
  ...row,
  customerId: customerId ?? undefined,
  serviceProblemId: serviceProblemId ?? undefined,
});

export function dueReports(db: Db): DueReports {
  return {
    async due(limit) {
      const isAwake = sql`(wake_after is null or wake_after <= now())`;
      const columns = sql`r.id, r.cycle, r.customer_id, r.service_problem_id`;
      const { rows } = await sql<Row>`
        select distinct on (id) * from (
          (select ${columns}, 'started' as reason from reports r where run_id is null and ${isAwake} limit ${limit})
          union all
          (select ${columns}, case state_of(status) when 'open' then 'reopened' when 'cancelled' then 'cancelled' else 'cleared' end
            from reports r where state <> state_of(status) and ${isAwake} limit ${limit})
          union all
          (select ${columns}, 'answered' from answers a join surveys s on s.id = a.survey_id join reports r on r.id = s.report_id
            where a.acted_on_revision < a.revision and s.cycle = r.cycle and ${isAwake} limit ${limit})
          union all
          (select ${columns}, 'confirmed' from surveys s join reports r on r.id = s.report_id
            where s.confirmed_at is not null and not s.confirm_acted_on and ${isAwake} limit ${limit})
          union all
          (select ${columns}, 'overdue' from reports r where expected_at <= now() and ${isAwake} order by expected_at limit ${limit})
        ) as due`.execute(db);
      return rows.map(toDue);
    },

    async markWoken(id) {
      const { rows } = await sql<{ wakes: number }>`
        update reports set wakes = wakes + 1,
          wake_after = now() + case when wakes + 1 >= ${wakesUntilStuck} then interval '1 day'
            else interval '1 minute' * (1 << least(wakes, 10)) * (1 + random() / 4) end
        where id = ${id} returning case when attention is null then wakes else 0 end as wakes`.execute(db);
      return rows[0]?.wakes ?? 0;
    },

    async unfinished(after, limit) {
      const { rows } = await sql<Row & { isDone: boolean }>`
        select r.id, r.cycle, r.customer_id, r.service_problem_id, 'restored' as reason, r.state = 'cancelled' or (r.state = 'closed'
          and exists (select from surveys s where s.report_id = r.id and s.cycle = r.cycle and s.state not in ('queued', 'sent'))) as is_done
        from reports r where r.id > ${after} order by r.id limit ${limit}`.execute(db);
      const due = rows.filter(({ isDone }) => !isDone).map(({ isDone: _, ...row }) => toDue(row));
      return { due, next: rows.length === limit ? rows.at(-1)?.id : undefined };
    },
  };
}
