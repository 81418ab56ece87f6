/** The plots of the desk as SVG, for each colour scheme and size. */
import * as echarts from 'echarts';
import { scaleOf } from '../contract/scale.js';
import { unitOf, type Ratings } from './satisfaction.js';

type Scheme = 'light' | 'dark';

/** Pixels; the text has the same size in both. */
const widths = { wide: 560, narrow: 320 };
type Size = keyof typeof widths;

export interface PlotOptions {
  scheme: Scheme;
  size: Size;
}

const colours = {
  light: { ink: '#1b1f24', line: '#6e7781', mark: '#1a56b0' },
  dark: { ink: '#e8eaed', line: '#8b949e', mark: '#9ec5ff' },
};

/** The figure of one question by month, with its confidence interval. */
export function satisfactionPlot(months: [string, Ratings][], look: PlotOptions): string {
  const { mark } = colours[look.scheme];
  const values = months.map(([, { figure }]) => figure.value);
  const names = months.map(([month]) => month);
  const isNps = months.some(([, { scale }]) => scaleOf(scale).figure.kind === 'nps');
  const axis = isNps ? { min: -100, max: 100, unit: '' } : { min: 0, max: 100, unit: '%' };
  return draw(look, names, axis, [
    line(values, mark),
    {
      type: 'custom',
      data: months.map(([, { figure }], index) => [index, figure.low, figure.high]),
      renderItem: (_params: unknown, api: Api) => whisker(api, mark),
    },
  ]);
}

/** Time to close by day, given in seconds: median and 95th percentile. */
export function closingPlot(days: { day: string; p50: number; p95: number }[], look: PlotOptions): string {
  const { mark, ink } = colours[look.scheme];
  const names = days.map(({ day }) => day);
  const unit = unitOf(Math.max(...days.map(({ p95 }) => p95), 0));
  const median = days.map(({ p50 }) => p50 / unit.seconds);
  const slow = days.map(({ p95 }) => p95 / unit.seconds);
  return draw(look, names, { min: 0, unit: unit.name }, [
    // Larger and drawn first, so that both are visible if they are equal.
    { ...line(slow, ink), name: '95 % within', symbol: 'rect', symbolSize: 17 },
    { ...line(median, mark), name: 'half within' },
  ]);
}

const line = (data: number[], colour: string) => ({
  type: 'line' as const,
  symbol: 'circle',
  symbolSize: 11,
  data,
  itemStyle: { color: colour },
  lineStyle: { color: colour },
});

function draw(
  { scheme, size }: PlotOptions,
  names: string[],
  axis: { min?: number; max?: number; unit: string },
  series: (echarts.LineSeriesOption | echarts.CustomSeriesOption)[],
): string {
  const { ink, line: rule } = colours[scheme];
  const { unit, ...range } = axis;
  const text = { color: ink, fontFamily: 'system-ui, sans-serif', fontSize: 14 };
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: widths[size], height: 260 });
  try {
    chart.setOption({
      animation: false,
      textStyle: text,
      legend: { show: series.some(({ name }) => name !== undefined), textStyle: text, top: 0, right: 16, itemGap: 28 },
      grid: { left: 16, right: 16, top: 36, bottom: 16, containLabel: true },
      xAxis: { type: 'category', data: names, axisLabel: text, axisLine: { lineStyle: { color: rule } } },
      yAxis: {
        type: 'value',
        ...range,
        axisLabel: { ...text, formatter: `{value} ${unit}` },
        splitLine: { lineStyle: { color: rule, opacity: 0.4 } },
      },
      series,
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose(); // otherwise its timers keep the process alive
  }
}

type Api = Parameters<echarts.CustomSeriesRenderItem>[1];

function whisker(api: Api, colour: string): ReturnType<echarts.CustomSeriesRenderItem> {
  const [x = 0, low = 0] = api.coord([api.value(0), api.value(1)]);
  const [, high = 0] = api.coord([api.value(0), api.value(2)]);
  const cap = (y: number) => ({
    type: 'line' as const,
    shape: { x1: x - 8, x2: x + 8, y1: y, y2: y },
    style: { stroke: colour, lineWidth: 2 },
  });
  const stem = {
    type: 'line' as const,
    shape: { x1: x, x2: x, y1: low, y2: high },
    style: { stroke: colour, lineWidth: 2 },
  };
  return { type: 'group', children: [stem, cap(low), cap(high)] };
}
