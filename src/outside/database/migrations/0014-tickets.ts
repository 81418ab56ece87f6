/** 0014: a report as its TMF621 ticket, so that lists can be filtered and sorted by any attribute. */
import { sql, type Kysely, type Migration } from 'kysely';

export const tickets: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create function iso(at timestamptz) returns text language sql immutable as $$
        select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
      $$`.execute(db);
    await sql`
      create function ticket_of(r reports) returns jsonb language sql stable as $$
        select r.document || jsonb_strip_nulls(jsonb_build_object(
          'id', r.id, 'name', r.name, 'description', r.description, 'severity', r.severity, 'ticketType', r.ticket_type,
          'priority', r.priority, 'externalId', r.external_id, 'status', r.status, 'statusChangeReason', r.status_reason,
          'statusChangeDate', iso(coalesce((select s.at from status_changes s where s.report_id = r.id order by s.id desc limit 1),
            r.opened_at)),
          'creationDate', iso(r.opened_at), 'lastUpdate', iso(r.last_update), 'resolutionDate', iso(r.cleared_at),
          'relatedParty', coalesce(r.document -> 'relatedParty', case when r.customer_id is not null then
            jsonb_build_array(jsonb_build_object('id', r.customer_id, 'role', 'customer', '@referredType', 'Customer')) end),
          'relatedEntity', coalesce(r.document -> 'relatedEntity', case when r.service_problem_id is not null then
            jsonb_build_array(jsonb_build_object('id', r.service_problem_id, 'role', 'serviceProblem', '@referredType', 'ServiceProblem')) end),
          'relatedContactInformation', coalesce(
            (select jsonb_build_array(jsonb_build_object('role', 'reporterContact', 'name', c.name, 'emailAddress', c.email_address,
              'preferredLanguage', c.preferred_language, 'timeZone', c.time_zone) || coalesce(c.attributes, '{}'))
              from contacts c where c.report_id = r.id), '[]') || coalesce(r.document -> 'relatedContactInformation', '[]'),
          'statusChange', (select jsonb_agg(jsonb_build_object('status', s.status, 'changeDate', iso(s.at), 'changeReason', s.reason)
            order by s.id) from status_changes s where s.report_id = r.id)))
      $$`.execute(db);
  },
};
