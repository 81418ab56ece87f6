/** The plot of the dashboard, drawn here as SVG: one picture for light and one for dark surroundings. */
import * as echarts from 'echarts';
import type { Stats } from './figures.js';

export type Scheme = 'light' | 'dark';

const colours = {
  light: { ink: '#1b1f24', line: '#6e7781', mark: '#1a56b0' },
  dark: { ink: '#e8eaed', line: '#8b949e', mark: '#9ec5ff' },
};

/** Satisfaction by month in %, with the interval that few answers leave open. */
export function satisfactionPlot(months: [string, Stats][], scheme: Scheme): string {
  const { ink, line, mark } = colours[scheme];
  const rated = months.filter(([, { csat }]) => csat !== null);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 720, height: 300 });
  const text = { color: ink, fontFamily: 'system-ui, sans-serif', fontSize: 14 };
  try {
    chart.setOption({
      animation: false,
      textStyle: text,
      grid: { left: 56, right: 16, top: 24, bottom: 32 },
      xAxis: {
        type: 'category',
        data: rated.map(([month]) => month),
        axisLabel: text,
        axisLine: { lineStyle: { color: line } },
      },
      yAxis: {
        type: 'value',
        min: 0,
        max: 100,
        axisLabel: { ...text, formatter: '{value} %' },
        splitLine: { lineStyle: { color: line, opacity: 0.4 } },
      },
      series: [
        {
          type: 'line',
          symbol: 'circle',
          symbolSize: 11,
          itemStyle: { color: mark },
          lineStyle: { color: mark },
          data: rated.map(([, { csat }]) => csat?.value ?? 0),
        },
        {
          type: 'custom',
          data: rated.map(([, { csat }], index) => [index, csat?.low ?? 0, csat?.high ?? 0]),
          renderItem: (_params: unknown, api: Api) => whisker(api, mark),
        },
      ],
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose(); // or its timers keep the process alive
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
