import type { Stack } from './stack.js';

/** The history as text that can be searched: its payloads are bytes. */
export function decoded(history: unknown): string {
  return JSON.stringify(history, (_, value: unknown) =>
    value instanceof Uint8Array || (value as { type?: string } | null)?.type === 'Buffer'
      ? Buffer.from(value as Uint8Array).toString()
      : value,
  );
}

/** The events of a report's surveys as they are stored, oldest first. */
export const surveyEvents = (stack: Stack, reportId: string) =>
  stack.sql<{ event: string; by: string | null; detail: string | null }>(
    `select event, by, detail from survey_events e join surveys s on s.id = e.survey_id where report_id = '${reportId}' order by e.id`,
  );
