/**
 * The time, as everything is recorded and compared: PostgreSQL's, read once a minute and counted on by the monotonic clock of the process.
 * Machines whose clocks are wrong or jump agree with each other.
 */
import type { ClientBase } from 'pg';

/** PostgreSQL's time when the monotonic clock was 0; ms since 1970. Before the first reading, this machine's. */
let origin = performance.timeOrigin;
let readAt = -Infinity;
const interval = 60_000;

export const now = (): Date => new Date(origin + performance.now());

/** Reads the time if the last reading is a minute old. */
export async function keepTime(client: ClientBase): Promise<void> {
  const sentAt = performance.now();
  if (sentAt - readAt < interval) return;
  readAt = sentAt;
  const { rows } = await client.query<{ now: Date }>('select clock_timestamp() as now');
  if (rows[0]) origin = rows[0].now.getTime() - (sentAt + performance.now()) / 2;
}
