/** Of a day in UTC, as a policy states it. */
export const clock = (time: Date) => time.toISOString().slice(11, 16);
export const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000);

/** Quiet hours that have begun and do not end soon, whatever the time of day. */
export const quietNow = () => ({ from: clock(inMinutes(-180)), to: clock(inMinutes(180)), zone: 'UTC' });
