/** `/`: how closing goes and how satisfied customers are, drawn on the server; `/satisfaction.csv`: every answer behind it. */
import { stringify } from 'csv-stringify/sync';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { unlessUnavailable, type CloseoutClient } from '../client.js';
import { runUrlOf, type Config } from '../setup/config.js';
import { durationWords, fewAnswers, statsBy, statsOf, type Stats } from '../operator/satisfaction.js';
import { closingPlot, satisfactionPlot, type Scheme } from '../operator/plot.js';
import { html } from '../views/render.js';

const newest = 20;
const longestTable = 50;
const longestList = 20;
const days = 30;

export function dashboard(app: FastifyInstance, config: Config, client: CloseoutClient): void {
  app.get('/', async (request, reply) => {
    const [counts, confirmations, answers, times, sweep, process] = await Promise.all([
      client.figures.counts(),
      client.figures.confirmationCounts(),
      client.figures.answers(newest),
      client.figures.closingTimes(days),
      client.sweeps.last(),
      client.overview(longestList).catch(unlessUnavailable), // the database's figures are worth showing alone
    ]);
    // By header, so that it works without a script; `?still` for who reads slowly.
    if (!('still' in (request.query as object))) reply.header('refresh', '30');
    const tables = [
      { title: 'By month', key: 'Month', rows: statsBy(counts, 'month') },
      { title: 'By ticket type', key: 'Ticket type', rows: statsBy(counts, 'ticketType') },
      { title: 'By service problem', key: 'Service problem', rows: statsBy(counts, 'serviceProblem') },
    ].map(({ title, key, rows }) => ({ title, key, total: rows.length, rows: rows.slice(-longestTable).map(toRow) }));
    const stats = statsOf(counts);
    const satisfaction = { stats, confirmations, csat: csatWords(stats), tables, answers };
    const view = {
      title: 'Closeout',
      wide: true,
      ...satisfaction,
      times,
      duration: durationWords,
      process,
      sweep,
      runUrl: runUrlOf(config),
    };
    return reply
      .type('text/html; charset=utf-8')
      .send(html.render('./dashboard.html.eta', { ...view, hasOutbox: config.mail.outboxDir !== undefined }));
  });

  app.get<{ Params: { scheme: string } }>('/plots/closing-:scheme.svg', async ({ params }, reply) =>
    sendPlot(reply, closingPlot(await client.figures.closingTimes(days), schemeOf(params.scheme))),
  );

  app.get<{ Params: { scheme: string } }>('/plots/satisfaction-:scheme.svg', async ({ params }, reply) =>
    sendPlot(reply, satisfactionPlot(statsBy(await client.figures.counts(), 'month'), schemeOf(params.scheme))),
  );

  /** What could be taken for a formula is made text: comments are written by strangers. */
  app.get('/satisfaction.csv', async (_request, reply) => {
    const rows = await client.figures.answers(1_000_000);
    const table = rows.map(({ complaints, sentAt, answeredAt, solved, ...row }) => ({
      ...row,
      solved: solved === null ? '' : solved ? 'yes' : 'no',
      complaints: complaints.join(' '),
      sentAt: sentAt?.toISOString(),
      answeredAt: answeredAt.toISOString(),
      // Also where white space comes first, which some programs pass over.
      comment: /^\s+[=+\-@]/.test(row.comment ?? '') ? `'${row.comment}` : row.comment,
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
      .send(stringify(table, { header: true, columns, quoted: true, escape_formulas: true, bom: true }));
  });
}

const schemeOf = (word: string): Scheme => (word === 'dark' ? 'dark' : 'light');

const sendPlot = (reply: FastifyReply, svg: string) =>
  reply
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .type('image/svg+xml')
    .send(svg);

function toRow([name, stats]: [string, Stats]) {
  const { sent, answered, responseRate, mean } = stats;
  return { name, sent, answered, responseRate, mean, csat: csatWords(stats) };
}

function csatWords({ csat, distribution }: Stats): string {
  if (!csat) return 'no data';
  const ratings = distribution.reduce((a, b) => a + b);
  return `${csat.value} % (${csat.low}–${csat.high} %)${ratings < fewAnswers ? ', few answers' : ''}`;
}
