/** `/`: how satisfied customers are, drawn on the server; `/satisfaction.csv`: every answer behind it. */
import { stringify } from 'csv-stringify/sync';
import type { FastifyInstance } from 'fastify';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../config.js';
import { fewAnswers, statsBy, statsOf, type Stats } from '../survey/figures.js';
import { satisfactionPlot, type Scheme } from '../survey/plot.js';
import { html } from '../survey/templates.js';

const newest = 20;
const longestTable = 50;

export function dashboard(app: FastifyInstance, config: Config, client: CloseoutClient): void {
  app.get('/', async (_request, reply) => {
    const [counts, answers] = await Promise.all([client.figures.counts(), client.figures.answers(newest)]);
    const tables = [
      { title: 'By month', key: 'Month', rows: statsBy(counts, 'month') },
      { title: 'By ticket type', key: 'Ticket type', rows: statsBy(counts, 'ticketType') },
      { title: 'By service problem', key: 'Service problem', rows: statsBy(counts, 'serviceProblem') },
    ].map(({ title, key, rows }) => ({ title, key, total: rows.length, rows: rows.slice(-longestTable).map(toRow) }));
    const stats = statsOf(counts);
    const view = { title: 'Closeout', wide: true, stats, csat: csatWords(stats), tables, answers };
    return reply
      .type('text/html; charset=utf-8')
      .send(html.render('./dashboard.html.eta', { ...view, hasOutbox: config.mail.outboxDir !== undefined }));
  });

  app.get<{ Params: { scheme: string } }>('/plots/satisfaction-:scheme.svg', async ({ params }, reply) => {
    const scheme: Scheme = params.scheme === 'dark' ? 'dark' : 'light';
    const months = statsBy(await client.figures.counts(), 'month');
    return reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .type('image/svg+xml')
      .send(satisfactionPlot(months, scheme));
  });

  /** What could be taken for a formula is made text: comments are written by strangers. */
  app.get('/satisfaction.csv', async (_request, reply) => {
    const rows = await client.figures.answers(1_000_000);
    const table = rows.map(({ complaints, sentAt, answeredAt, solved, ...row }) => ({
      ...row,
      solved: solved === null ? '' : solved ? 'yes' : 'no',
      complaints: complaints.join(' '),
      sentAt: sentAt?.toISOString(),
      answeredAt: answeredAt.toISOString(),
    }));
    const columns = [
      'report',
      'cycle',
      'ticketType',
      'serviceProblem',
      'sentAt',
      'answeredAt',
      'score',
      'solved',
      'complaints',
      'comment',
      'revisions',
    ];
    return reply
      .header('content-disposition', 'attachment; filename="satisfaction.csv"')
      .type('text/csv; charset=utf-8')
      .send(stringify(table, { header: true, columns, escape_formulas: true, bom: true }));
  });
}

function toRow([name, stats]: [string, Stats]) {
  const { sent, answered, responseRate, mean } = stats;
  return { name, sent, answered, responseRate, mean, csat: csatWords(stats) };
}

function csatWords({ csat, distribution }: Stats): string {
  if (!csat) return 'no data';
  const ratings = distribution.reduce((a, b) => a + b);
  return `${csat.value} % (${csat.low}–${csat.high} %)${ratings < fewAnswers ? ', few answers' : ''}`;
}
