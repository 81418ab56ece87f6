/** Types of columns, as they are read, inserted and updated. */
import type { ColumnType } from 'kysely';

/** A value that writers may leave out, or give as undefined, for null. */
export type Optional<T> = ColumnType<T | null, T | null | undefined, T | null | undefined>;
export type Time = ColumnType<Date, Date | string, Date | string>;
export type Json<T> = ColumnType<T | null, string | null | undefined, string | null | undefined>;
export type OptionalTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null | undefined>;
