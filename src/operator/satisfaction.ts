/** Figures of customer satisfaction, by their usual definitions. Pure. Percentages are 0 to 100, with one decimal. */
import { satisfiedFrom, scores, type Score } from '../contract/survey.js';
import { day, hour, minute, second } from '../policy/time.js';

/** The number of surveys of one month, ticket type and service problem with the same outcome. */
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
  /** Sent and not bounced. */
  delivered: number;
  answered: number;
  /** Can still be answered. */
  waiting: number;
  expired: number;
  /** Replaced, or withdrawn by a reopening, before they were answered. */
  superseded: number;
  undeliverable: number;
  skipped: Record<string, number>;
  /** Share of satisfied ratings in %, with the Wilson 95 % confidence interval; null without a rating. */
  csat: { value: number; low: number; high: number } | null;
  mean: number | null;
  /** Number of ratings. */
  ratings: number;
  /** Number of ratings of each score, lowest first. */
  distribution: number[];
  /** Answered among delivered, in %; null if nothing was delivered. */
  responseRate: number | null;
}

/** Figures from fewer answers are marked, because they say little. */
export const fewAnswers = 30;

export function statsOf(counts: SurveyCount[]): Stats {
  const sum = (fits: (row: SurveyCount) => boolean) =>
    counts.filter(fits).reduce((total, { count }) => total + count, 0);
  const scored = (score: Score) => sum((row) => row.state === 'answered' && row.score === score);
  const distribution = scores.map(scored);
  const ratings = distribution.reduce((total, count) => total + count);
  const points = scores.reduce((total: number, score) => total + score * scored(score), 0);
  const satisfied = scores.reduce((total: number, score) => total + (score >= satisfiedFrom ? scored(score) : 0), 0);
  const sent = sum(({ wasSent }) => wasSent);
  const delivered = sum(({ wasSent, state }) => wasSent && state !== 'undeliverable');
  const answered = sum(({ state }) => state === 'answered');
  const skipped: Record<string, number> = {};
  for (const { state, reason, count } of counts)
    if (state === 'skipped' && reason) skipped[reason] = (skipped[reason] ?? 0) + count;
  return {
    sent,
    delivered,
    answered,
    waiting: sum(({ state }) => state === 'sent'),
    expired: sum(({ state }) => state === 'expired'),
    superseded: sum(({ state }) => state === 'superseded'),
    undeliverable: sum(({ state }) => state === 'undeliverable'),
    skipped,
    csat: ratings === 0 ? null : { value: percent(satisfied / ratings), ...wilson(satisfied, ratings) },
    mean: ratings === 0 ? null : Math.round((100 * points) / ratings) / 100,
    ratings,
    distribution,
    responseRate: delivered === 0 ? null : percent(answered / delivered),
  };
}

/** One row per value of `key`, in order. */
export function statsBy(counts: SurveyCount[], key: 'month' | 'ticketType' | 'serviceProblem'): [string, Stats][] {
  const groups = new Map<string, SurveyCount[]>();
  for (const row of counts) {
    const value = row[key];
    if (value !== null) groups.set(value, [...(groups.get(value) ?? []), row]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, rows]) => [value, statsOf(rows)]);
}

/** 95 % confidence interval of a share, in %. Also valid for few answers, none and all (Wilson 1927). */
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
  { name: 'days', seconds: day / second },
  { name: 'h', seconds: hour / second },
  { name: 'min', seconds: minute / second },
  { name: 's', seconds: 1 },
  { name: 'ms', seconds: 1 / second },
];

/** The largest unit in which a duration is at least 1; seconds for zero. */
export function unitOf(seconds: number): { name: string; seconds: number } {
  return units.find((unit) => seconds >= unit.seconds) ?? { name: 's', seconds: 1 };
}

/** `38 ms`, `4.2 s`, `3.5 min`, `266 days`. */
export function durationWords(seconds: number): string {
  const unit = unitOf(seconds);
  const value = seconds / unit.seconds;
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${unit.name}`;
}
