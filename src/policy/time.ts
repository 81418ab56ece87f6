/** Units of time in milliseconds. */
export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

export const later = (time: Date, ms: number): Date => new Date(time.getTime() + ms);

/** A run that waits until a time writes soon after it. */
export const soonAfter = (time: Date): Date => later(time, minute);
