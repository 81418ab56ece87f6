/** The measurements as ratios within this run, as a table and as JSON. */
import Table from 'cli-table3';
import type { Name } from './contenders.js';
import type { MassClear, PerClosure, Storm } from './measure.js';

export interface Measured {
  storms: Record<Name, Storm[]>;
  single: Record<Name, number[]>;
  massClear: MassClear;
  perClosure: PerClosure;
  rssPer1000Waiting: number;
}

/** Closeout divided by the floor. */
export interface Ratios {
  stormThroughput: number;
  clearedToMailP50: number;
  clearedToMailP95: number;
  cpuPerClosure: number;
  opens: number;
}

export function resultOf({ storms, single, massClear, perClosure, rssPer1000Waiting }: Measured) {
  const ratio = (of: (storm: Storm) => number): number =>
    median(storms.closeout.map(of)) / median(storms.floor.map(of));
  const ratios: Ratios = {
    stormThroughput: ratio(({ closedPerSecond }) => closedPerSecond),
    clearedToMailP50: quantile(single.closeout, 0.5) / quantile(single.floor, 0.5),
    clearedToMailP95: quantile(single.closeout, 0.95) / quantile(single.floor, 0.95),
    cpuPerClosure: ratio(cpuOf),
    opens: ratio(({ opensPerSecond }) => opensPerSecond),
  };
  const storm = {
    closedPerSecond: median(storms.closeout.map(({ closedPerSecond }) => closedPerSecond)),
    atRestPerSecond: median(storms.closeout.map(({ atRestPerSecond }) => atRestPerSecond)),
  };
  return { ratios, storm, massClear, perClosure, rssPer1000Waiting };
}

const cpuOf = ({ cpu: { worker, temporal, postgres } }: Storm): number => worker + temporal + postgres;

export function tablesOf(measured: Measured): string {
  const { storms, single } = measured;
  const { ratios, storm, massClear, perClosure, rssPer1000Waiting } = resultOf(measured);
  const three = new Table({ head: ['', 'floor', 'Closeout', 'ratio', 'graphile-worker'], ...plain(5) });
  const row = (what: string, unit: string, of: (name: Name) => number, ratio: number, digits = 0) => {
    const shown = (name: Name) => `${of(name).toFixed(digits)} ${unit}`;
    three.push([what, shown('floor'), shown('closeout'), ratio.toFixed(2), shown('graphile')]);
  };
  const ofStorm = (of: (storm: Storm) => number) => (name: Name) => median(storms[name].map(of));
  const ofSingle = (share: number) => (name: Name) => quantile(single[name], share);
  row(
    'opened per second',
    '',
    ofStorm(({ opensPerSecond }) => opensPerSecond),
    ratios.opens,
  );
  row(
    'storm, closed and mailed per second',
    '',
    ofStorm(({ closedPerSecond }) => closedPerSecond),
    ratios.stormThroughput,
    1,
  );
  row('cleared to mail, one at a time, p50', 'ms', ofSingle(0.5), ratios.clearedToMailP50);
  row('cleared to mail, one at a time, p95', 'ms', ofSingle(0.95), ratios.clearedToMailP95);
  row('CPU per closing: worker, Temporal, PostgreSQL', 'ms', ofStorm(cpuOf), ratios.cpuPerClosure, 1);
  for (const part of ['worker', 'temporal', 'postgres'] as const) {
    const of = ofStorm(({ cpu }) => cpu[part]);
    row(`  ${part}`, 'ms', of, of('closeout') / of('floor'), 1);
  }
  const alone = new Table({ head: ['Closeout', ''], ...plain(2) });
  alone.push(
    ['a storm, until nothing is left to do, per second', storm.atRestPerSecond.toFixed(1)],
    [`mass clear of ${massClear.reports}, closed per second`, massClear.closedPerSecond.toFixed(1)],
    ['  mailed per second', massClear.mailedPerSecond.toFixed(1)],
    ['  a single report, cleared in its middle, is closed after', `${massClear.singleReportSeconds.toFixed(1)} s`],
    ['history events until the mail is sent', perClosure.events],
    ['Temporal Actions of an answered closing', perClosure.actions],
    ['statements until the mail is sent', perClosure.statements],
    ['memory of a worker per 1,000 waiting reports', `${rssPer1000Waiting.toFixed(0)} MiB`],
  );
  return `${three.toString()}\n${alone.toString()}\n`;
}

const plain = (columns: number) => ({
  colAligns: Array.from({ length: columns }, (_, n) => (n === 0 ? ('left' as const) : ('right' as const))),
  style: { head: [], border: [] },
});

export const median = (values: number[]): number => quantile(values, 0.5);

export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
