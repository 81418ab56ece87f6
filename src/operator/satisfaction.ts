/** What the answers come to, by the usual definitions; pure. Percentages run from 0 to 100, with one decimal. */
import type { Score } from '../contract/reports.js';

/** So many surveys of one month, ticket type and service problem came to this. */
export interface SurveyCount {
  /** `YYYY-MM`, UTC. */
  month: string;
  ticketType: string;
  serviceProblem: string | null;
  state: string;
  reason: string | null;
  wasSent: boolean;
  score: Score | null;
  count: number;
}

export interface Stats {
  sent: number;
  /** Sent and not come back. */
  delivered: number;
  answered: number;
  /** May still be answered. */
  waiting: number;
  expired: number;
  /** Taken back by a reopening before they were answered, or replaced. */
  superseded: number;
  undeliverable: number;
  skipped: Record<string, number>;
  /** Ratings of 4 and 5 among all, in %, with the Wilson 95 % interval; null without a rating. */
  csat: { value: number; low: number; high: number } | null;
  mean: number | null;
  /** How many gave 1, 2, 3, 4 and 5. */
  distribution: [number, number, number, number, number];
  /** Answered among delivered, in %; null when nothing was delivered. */
  responseRate: number | null;
}

/** Below this a figure says little, and is marked so. */
export const fewAnswers = 30;

export function statsOf(counts: SurveyCount[]): Stats {
  const sum = (fits: (row: SurveyCount) => boolean) =>
    counts.filter(fits).reduce((total, { count }) => total + count, 0);
  const scored = (score: Score) => sum((row) => row.state === 'answered' && row.score === score);
  const distribution: Stats['distribution'] = [scored(1), scored(2), scored(3), scored(4), scored(5)];
  const ratings = distribution.reduce((a, b) => a + b);
  const total = distribution.reduce((points, count, index) => points + count * (index + 1), 0);
  const sent = sum(({ wasSent }) => wasSent);
  const delivered = sum(({ wasSent, state }) => wasSent && state !== 'undeliverable');
  const answered = sum(({ state }) => state === 'answered');
  const skipped: Record<string, number> = {};
  for (const { state, reason, count } of counts)
    if (state === 'skipped' && reason) skipped[reason] = (skipped[reason] ?? 0) + count;
  return {
    ...{ sent, delivered, answered },
    waiting: sum(({ state }) => state === 'sent'),
    expired: sum(({ state }) => state === 'expired'),
    superseded: sum(({ state }) => state === 'superseded'),
    undeliverable: sum(({ state }) => state === 'undeliverable'),
    skipped,
    csat:
      ratings === 0
        ? null
        : {
            value: percent((distribution[3] + distribution[4]) / ratings),
            ...wilson(distribution[3] + distribution[4], ratings),
          },
    mean: ratings === 0 ? null : Math.round((100 * total) / ratings) / 100,
    distribution,
    responseRate: delivered === 0 ? null : percent(answered / delivered),
  };
}

/** One row a value of `key`, in its order. */
export function statsBy(counts: SurveyCount[], key: 'month' | 'ticketType' | 'serviceProblem'): [string, Stats][] {
  const groups = new Map<string, SurveyCount[]>();
  for (const row of counts) {
    const value = row[key];
    if (value !== null) groups.set(value, [...(groups.get(value) ?? []), row]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, rows]) => [value, statsOf(rows)]);
}

/** 95 % interval of a share, in %: sensible also for few answers and for 0 or all of them (Wilson 1927). */
export function wilson(good: number, all: number): { low: number; high: number } {
  const z = 1.959964;
  const share = good / all;
  const centre = share + (z * z) / (2 * all);
  const margin = z * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all));
  const scale = 1 + (z * z) / all;
  return {
    low: percent(Math.max(0, (centre - margin) / scale)),
    high: percent(Math.min(1, (centre + margin) / scale)),
  };
}

const percent = (share: number) => Math.round(share * 1000) / 10;

const units = [
  { name: 'days', seconds: 86_400 },
  { name: 'h', seconds: 3600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
  { name: 'ms', seconds: 0.001 },
];

/** The unit that people would give a duration in; of zero, seconds. */
export function unitOf(seconds: number): { name: string; seconds: number } {
  return units.find((unit) => seconds >= unit.seconds) ?? { name: 's', seconds: 1 };
}

/** `38 ms`, `4.2 s`, `3.5 min`, `266 days`. */
export function durationWords(seconds: number): string {
  const unit = unitOf(seconds);
  const value = seconds / unit.seconds;
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${unit.name}`;
}
