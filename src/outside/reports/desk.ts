/** Lists and counts for the people who work with reports, by what the ledger says. */
import { sql, type RawBuilder } from 'kysely';
import { maxCounted, type ListedPhase, type ReportStatus } from '../../contract/reports.js';
import type { ScaleName } from '../../contract/scale.js';
import type { ConfirmationState, SurveyState } from '../../contract/survey.js';
import { openStatuses } from '../../policy/status.js';
import type { Db } from '../database/database.js';
import { isStuck } from './due-reports.js';
import type { ReportRow } from './row-mapping.js';

export interface DeskQuery {
  phase?: ListedPhase;
  statuses?: ReportStatus[];
  held?: boolean;
  customer?: string;
  serviceProblem?: string;
  /** An id, or its beginning; an external id; a customer; a service problem. */
  search?: string;
  /** Opened at least so many days ago. */
  olderThanDays?: number;
  /** Closed since midnight (UTC). */
  closedToday?: boolean;
  offset: number;
  limit: number;
}

/** A report with the survey of its cycle. */
export type DeskRow = ReportRow & {
  surveyState: SurveyState | null;
  surveyReason: string | null;
  confirmation: ConfirmationState | null;
  expiresAt: Date | null;
  confirmUntil: Date | null;
  score: number | null;
  scale: ScaleName;
};

export interface DeskCounts {
  open: number;
  held: number;
  /** Cleared and not closed: those whose customers were asked to confirm, and all others. */
  confirming: number;
  clearing: number;
  needsAttention: number;
  closedToday: number;
}

export interface Desk {
  /** Returns the ids that no report has. */
  missing(ids: string[]): Promise<string[]>;
  /** Newest first. `total` stops at `maxCounted`. */
  list(query: DeskQuery): Promise<{ rows: DeskRow[]; total: number }>;
  /** With the survey of its cycle; undefined if there is no such report. */
  find(id: string): Promise<DeskRow | undefined>;
  counts(): Promise<DeskCounts>;
  /** How long ago Closeout learned that the oldest report in the phase `clearing` that is not on hold was cleared; 0: there is none. */
  oldestClearingSeconds(): Promise<number>;
  /** Reports whose runs do not respond to repeated wake-ups. */
  stuck(): Promise<number>;
}

const columns = sql`r.*, s.state as survey_state, s.reason as survey_reason, s.confirmation, s.expires_at, s.confirm_until,
  a.score, (select scale from questions where id = s.question_id) as scale`;
const tables = sql`reports r left join surveys s on s.report_id = r.id and s.cycle = r.cycle left join answers a on a.survey_id = s.id`;
const openOnes = sql`(${sql.join(openStatuses.map((status) => sql.lit(status)))})`;
const today = sql`date_trunc('day', now(), 'UTC')`;

/** By status first, which is indexed. */
const inPhase: Record<ListedPhase, RawBuilder<unknown>> = {
  open: sql`r.status in ${openOnes} and r.attention is null`,
  clearing: sql`r.status = 'resolved' and r.attention is null and s.confirmation is distinct from 'sent'`,
  confirming: sql`r.status = 'resolved' and r.attention is null and s.confirmation = 'sent'`,
  needsAttention: sql`r.attention is not null`,
  surveying: sql`r.status = 'closed' and r.attention is null and coalesce(s.state, 'queued') in ('queued', 'sent')`,
  done: sql`(r.status in ('cancelled', 'rejected') or r.status = 'closed' and s.state not in ('queued', 'sent')) and r.attention is null`,
};

export function reportDesk(db: Db, forLists: Db = db): Desk {
  return {
    async missing(ids) {
      const { rows } = await sql<{ id: string }>`
        select wanted as id from unnest(${ids}::text[]) as wanted where not exists (select from reports where id = wanted)`.execute(
        db,
      );
      return rows.map(({ id }) => id);
    },

    async list(query) {
      const where = sql.join(conditionsOf(query), sql` and `);
      const [{ rows }, counted] = await Promise.all([
        sql<DeskRow>`select ${columns} from ${tables} where ${where}
          order by r.opened_at desc, r.id limit ${query.limit} offset ${query.offset}`.execute(forLists),
        sql<{ total: number }>`select count(*)::int as total from (
          select from ${tables} where ${where} limit ${maxCounted}) as counted`.execute(forLists),
      ]);
      return { rows, total: counted.rows[0]?.total ?? 0 };
    },

    async find(id) {
      const { rows } = await sql<DeskRow>`select ${columns} from ${tables} where r.id = ${id}`.execute(db);
      return rows[0];
    },

    async counts() {
      const { rows } = await sql<DeskCounts>`
        select (select count(*) from reports r where ${inPhase.open})::int as open,
          (select count(*) from reports where hold is not null and state in ('open', 'cleared'))::int as held,
          (select count(*) from ${tables} where ${inPhase.confirming})::int as confirming,
          (select count(*) from ${tables} where ${inPhase.clearing})::int as clearing,
          (select count(*) from reports where attention is not null)::int as needs_attention,
          (select count(*) from reports where closed_at >= ${today})::int as closed_today`.execute(db);
      return rows[0] as DeskCounts; // always one row
    },

    async oldestClearingSeconds() {
      const { rows } = await sql<{ seconds: number }>`
        select greatest(0, extract(epoch from now() - min(coalesce(r.clear_received_at, r.cleared_at))))::float8 as seconds
        from ${tables} where ${inPhase.clearing} and r.hold is null`.execute(db);
      return rows[0]?.seconds ?? 0; // greatest ignores null
    },

    async stuck() {
      const { rows } = await sql<{
        count: number;
      }>`select count(*)::int as count from reports where ${isStuck}`.execute(db);
      return rows[0]?.count ?? 0;
    },
  };
}

function conditionsOf(query: DeskQuery): RawBuilder<unknown>[] {
  const { phase, statuses, held, customer, serviceProblem, search, olderThanDays, closedToday } = query;
  const conditions = [sql`true`];
  if (phase) conditions.push(inPhase[phase]);
  if (statuses) conditions.push(sql`r.status = any(${statuses})`);
  if (held) conditions.push(sql`r.hold is not null and r.state in ('open', 'cleared')`);
  if (customer) conditions.push(sql`r.customer_id = ${customer}`);
  if (serviceProblem) conditions.push(sql`r.service_problem_id = ${serviceProblem}`);
  if (search)
    conditions.push(
      sql`(r.id = ${search} or r.external_id = ${search} or r.customer_id = ${search} or r.service_problem_id = ${search}
        or starts_with(lower(r.id), lower(${search})))`,
    );
  if (olderThanDays) conditions.push(sql`r.opened_at <= now() - make_interval(days => ${olderThanDays})`);
  if (closedToday) conditions.push(sql`r.closed_at >= ${today}`);
  return conditions;
}
