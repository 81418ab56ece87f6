/**
 * PostgreSQL's time, which is used for everything that is recorded or compared. It is read once a minute, and advanced by the monotonic
 * clock of the process, so that machines with wrong or jumping clocks agree with each other.
 */
import type { ClientBase } from 'pg';

/** PostgreSQL's time when the monotonic clock was 0; ms since 1970. Before the first reading, this machine's. */
let origin = performance.timeOrigin;
let readAt = -Infinity;
let isKnown = false;
const interval = 60_000;

/** A reading that took longer may be wrong by half of that; ms. */
const precise = 200;

export const now = (): Date => new Date(origin + performance.now());

/** Reads the time if the last reading is a minute old. */
export async function keepTime(client: ClientBase): Promise<void> {
  const sentAt = performance.now();
  if (sentAt - readAt < interval) return;
  readAt = sentAt; // one connection reads it
  let isPrecise = false;
  try {
    const { rows } = await client.query<{ now: Date }>('select clock_timestamp() as now');
    const answeredAt = performance.now();
    isPrecise = answeredAt - sentAt <= precise;
    if (rows[0] && (isPrecise || !isKnown)) origin = rows[0].now.getTime() - (sentAt + answeredAt) / 2;
    isKnown = true;
  } finally {
    if (!isPrecise) readAt = -Infinity; // with the next connection
  }
}
