/** Figures of customer satisfaction, by their usual definitions. Pure. Percentages are 0 to 100, with one decimal. */
import { scaleOf, scoresOf, type ScaleName } from '../contract/scale.js';
import { day, hour, minute, second } from '../policy/time.js';

/** The number of surveys of one month, ticket type, service problem and question with the same outcome. */
export interface SurveyCount {
  /** `YYYY-MM`, UTC. */
  month: string;
  ticketType: string;
  serviceProblem: string | null;
  state: string;
  reason: string | null;
  wasSent: boolean;
  /** Name of the question, and its version. */
  question: string;
  version: number;
  scale: ScaleName;
  score: number | null;
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
  /** One for each question that was answered with a score, the most answered first. Answers on different scales are never added up. */
  ratings: Ratings[];
  /** Answered among delivered, in %; null if nothing was delivered. */
  responseRate: number | null;
}

/** The answers to one version of a question. */
export interface Ratings {
  question: string;
  version: number;
  scale: ScaleName;
  /** Number of answers with a score. */
  count: number;
  /** What the scale is summed up by, with its 95 % confidence interval. */
  figure: Figure;
  mean: number;
  /** Number of answers with each score, lowest first. */
  distribution: number[];
}

/** A share of answers, 0 to 100 %, or a net promoter score, -100 to 100. */
export interface Figure {
  value: number;
  low: number;
  high: number;
}

/** Figures from fewer answers are marked, because they say little. */
export const fewAnswers = 30;

export function statsOf(counts: SurveyCount[]): Stats {
  const sum = (fits: (row: SurveyCount) => boolean) =>
    counts.filter(fits).reduce((total, { count }) => total + count, 0);
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
    ratings: ratingsOf(counts),
    responseRate: delivered === 0 ? null : percent(answered / delivered),
  };
}

function ratingsOf(counts: SurveyCount[]): Ratings[] {
  const answered = counts.filter(({ state, score }) => state === 'answered' && score !== null);
  const byQuestion = groupBy(answered, ({ question, version }) => `${question} ${version}`);
  return [...byQuestion.values()].flatMap((rows) => ratingsOfOne(rows) ?? []).sort((a, b) => b.count - a.count);
}

function ratingsOfOne(rows: SurveyCount[]): Ratings | undefined {
  const [first] = rows;
  if (!first) return undefined;
  const { question, version, scale } = first;
  const scores = scoresOf(scale);
  const distribution = scores.map((score) => total(rows.filter((row) => row.score === score)));
  const count = total(rows);
  const points = scores.reduce((sum, score, index) => sum + score * (distribution[index] ?? 0), 0);
  const mean = Math.round((100 * points) / count) / 100;
  return { question, version, scale, count, figure: figureOf(scale, rows), mean, distribution };
}

function figureOf(scale: ScaleName, rows: SurveyCount[]): Figure {
  const { minGoodScore, maxPoorScore, figure } = scaleOf(scale);
  const good = total(rows.filter(({ score }) => score !== null && score >= minGoodScore));
  const poor = total(rows.filter(({ score }) => score !== null && score <= maxPoorScore));
  const all = total(rows);
  return figure.kind === 'nps'
    ? netPromoterScore(good, poor, all)
    : { value: percent(good / all), ...wilson(good, all) };
}

const total = (rows: SurveyCount[]): number => rows.reduce((sum, { count }) => sum + count, 0);

/** One row per value of `key`, in order. */
export function statsBy(counts: SurveyCount[], key: 'month' | 'ticketType' | 'serviceProblem'): [string, Stats][] {
  const groups = groupBy(counts, (row) => row[key]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, rows]) => [value, statsOf(rows)]);
}

function groupBy(counts: SurveyCount[], keyOf: (row: SurveyCount) => string | null): Map<string, SurveyCount[]> {
  const groups = new Map<string, SurveyCount[]>();
  for (const row of counts) {
    const key = keyOf(row);
    const group = key === null ? undefined : groups.get(key);
    if (group) group.push(row);
    else if (key !== null) groups.set(key, [row]);
  }
  return groups;
}

/** `72 %` and `60–81 %`; a net promoter score is no percentage. */
export function figureInWords({ scale, figure: { value, low, high } }: Ratings): { value: string; interval: string } {
  return scaleOf(scale).figure.kind === 'nps'
    ? { value: `${value}`, interval: `${low} to ${high}` }
    : { value: `${value} %`, interval: `${low}–${high} %` };
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

/**
 * Promoters less detractors, with a 95 % confidence interval that is also valid for few answers: adjusted Wald, with three answers
 * added, a half of them passive (Rocks 2016).
 */
export function netPromoterScore(promoters: number, detractors: number, all: number): Figure {
  const z = 1.959964;
  const n = all + 3;
  const [up, down] = [(promoters + 0.75) / n, (detractors + 0.75) / n];
  const margin = z * Math.sqrt((up + down - (up - down) ** 2) / n);
  const value = (promoters - detractors) / all;
  return {
    value: percent(value),
    low: percent(Math.max(-1, Math.min(value, up - down - margin))),
    high: percent(Math.min(1, Math.max(value, up - down + margin))),
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
