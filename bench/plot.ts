/** Draws what `npm run bench -- --json` has measured, from standard input to standard output: docs/pictures/performance.svg. */
import { text } from 'node:stream/consumers';
import * as echarts from 'echarts';
import type { Ratios } from './report.js';

/** From the top, with the target of each: `≥` or `≤`. */
const rows: [keyof Ratios, string, target?: [sign: '≥' | '≤', value: number]][] = [
  ['stormThroughput', 'closed and mailed per second, in a storm', ['≥', 0.85]],
  ['opens', 'opened per second', ['≥', 0.85]],
  ['clearedToMailP50', 'from cleared to mail, half within', ['≤', 1.3]],
  ['clearedToMailP95', 'from cleared to mail, 95 % within'],
  ['cpuPerClosure', 'CPU per closing', ['≤', 1.3]],
];

const ink = '#1b1f24';
const { ratios } = JSON.parse(await text(process.stdin)) as { ratios: Ratios };
const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 300 });
chart.setOption({
  animation: false,
  backgroundColor: '#ffffff',
  grid: { left: 290, right: 90, top: 28, bottom: 48 },
  xAxis: {
    type: 'value',
    name: 'Closeout divided by the floor',
    nameLocation: 'middle',
    nameGap: 30,
    min: 0,
    interval: 0.25,
  },
  yAxis: {
    type: 'category',
    inverse: true,
    data: rows.map(([, name, target]) => (target ? `${name}\n(target ${target[0]} ${target[1]})` : name)),
    axisLabel: { color: ink, lineHeight: 15 },
  },
  series: [
    {
      type: 'bar',
      barWidth: 18,
      itemStyle: { color: '#1a56b0' },
      data: rows.map(([key]) => ratios[key]),
      label: {
        show: true,
        position: 'right',
        color: ink,
        formatter: ({ value }: { value: unknown }) => Number(value).toFixed(2),
      },
      markLine: {
        symbol: 'none',
        lineStyle: { color: ink },
        label: { formatter: 'floor', position: 'start' },
        data: [{ xAxis: 1 }],
      },
    },
  ],
});
process.stdout.write(chart.renderToSVGString());
chart.dispose(); // otherwise its timers keep the process alive
