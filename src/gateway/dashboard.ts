/** `/`: the process and customer satisfaction at a glance, drawn on the server. `/satisfaction.csv`: every answer. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { CloseoutClient } from '../client.js';
import { ignoreUnavailable } from '../client/errors.js';
import { closingPlot, satisfactionPlot, type Scheme } from '../operator/plot.js';
import { durationWords, fewAnswers, statsBy, statsOf, type Stats } from '../operator/satisfaction.js';
import { runUrlOf, type Config } from '../setup/config.js';
import { html } from '../views/render.js';
import { satisfactionCsv } from './satisfaction-csv.js';

const newestAnswers = 20;
const longestTable = 50;
const longestList = 20;
const days = 30;

export function dashboard(app: FastifyInstance, config: Config, client: CloseoutClient): void {
  const { counts } = client.overview;

  app.get('/', async (request, reply) => {
    const view = await viewOf(client);
    // A header instead of a script. `?still` is for slow readers.
    if (!('still' in (request.query as object))) reply.header('refresh', '30');
    const hasOutbox = config.mail.outboxDir !== undefined;
    const page = html.render('./dashboard.html.eta', { ...view, runUrl: runUrlOf(config), hasOutbox });
    return reply.type('text/html; charset=utf-8').send(page);
  });

  app.get<{ Params: { scheme: string } }>('/plots/closing-:scheme.svg', async ({ params }, reply) =>
    sendPlot(reply, closingPlot(await counts.closingTimes(days), schemeOf(params.scheme))),
  );

  app.get<{ Params: { scheme: string } }>('/plots/satisfaction-:scheme.svg', async ({ params }, reply) =>
    sendPlot(reply, satisfactionPlot(statsBy(await counts.surveys(), 'month'), schemeOf(params.scheme))),
  );

  app.get('/satisfaction.csv', async (_request, reply) =>
    reply
      .header('content-disposition', 'attachment; filename="satisfaction.csv"')
      .type('text/csv; charset=utf-8')
      .send(satisfactionCsv(counts)),
  );
}

async function viewOf(client: CloseoutClient) {
  const { overview } = client;
  const [surveys, confirmations, answers, times, sweep, runs] = await Promise.all([
    overview.counts.surveys(),
    overview.counts.confirmations(),
    overview.counts.answers(newestAnswers),
    overview.counts.closingTimes(days),
    overview.lastSweep(),
    overview.read(longestList).catch(ignoreUnavailable), // without Temporal, the database's figures are still useful
  ]);
  const tables = [
    { title: 'By month', key: 'Month', rows: statsBy(surveys, 'month') },
    { title: 'By ticket type', key: 'Ticket type', rows: statsBy(surveys, 'ticketType') },
    { title: 'By service problem', key: 'Service problem', rows: statsBy(surveys, 'serviceProblem') },
  ].map(({ title, key, rows }) => ({ title, key, total: rows.length, rows: rows.slice(-longestTable).map(toRow) }));
  const stats = statsOf(surveys);
  return {
    title: 'Closeout',
    wide: true,
    stats,
    csat: csatWords(stats),
    confirmations,
    tables,
    answers,
    times,
    duration: durationWords,
    runs,
    sweep,
  };
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

function csatWords({ csat, ratings }: Stats): string {
  if (!csat) return 'no data';
  return `${csat.value} % (${csat.low}–${csat.high} %)${ratings < fewAnswers ? ', few answers' : ''}`;
}
