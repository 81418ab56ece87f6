/** `/`: the numbers that matter first, what customers said last, and the plots. Drawn on the server. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { CloseoutClient } from '../../client.js';
import { now } from '../../client/clock.js';
import { ignoreUnavailable } from '../../client/errors.js';
import type { MassClearProgress } from '../../contract/messages.js';
import { divideReply } from '../../customer/quoted-text.js';
import { closingPlot, satisfactionPlot, type PlotOptions } from '../../operator/plot.js';
import { qualityOf, scaleOf, scoreInWords, scoresOf } from '../../contract/scale.js';
import {
  durationWords,
  fewAnswers,
  figureInWords,
  statsBy,
  statsOf,
  type Ratings,
  type Stats,
  type SurveyCount,
} from '../../operator/satisfaction.js';
import { shortTime } from '../../operator/times.js';
import { skipInWords, stateInWords } from '../../policy/state-in-words.js';
import type { Config } from '../../setup/config.js';
import { satisfactionCsv } from '../satisfaction-csv.js';
import { sharedFor } from '../shared-for.js';
import { sendDesk } from './page.js';

const newest = 8;
const maxTableRows = 50;
const maxListed = 10;
const days = 30;

export function overviewPages(app: FastifyInstance, config: Config, client: CloseoutClient): void {
  const { counts } = client.overview;
  const outbox = config.mail.outboxDir !== undefined;
  // Temporal answers ten lists per second unless it is configured otherwise.
  const beingCleared = sharedFor(1000, () => client.overview.beingCleared(maxListed));

  app.get('/', async (request, reply) => {
    // A header instead of a script, which an error page has, too. `?still` is for slow readers.
    if (!('still' in (request.query as object))) reply.header('refresh', '30');
    const view = await viewOf(client, beingCleared);
    return sendDesk(reply, './desk/overview.html.eta', { title: 'Closeout', nav: 'overview', outbox, ...view });
  });

  app.get('/plots/closing.svg', async ({ query }, reply) =>
    sendPlot(reply, closingPlot(await counts.closingTimes(days), plotOptionsOf(query))),
  );

  app.get('/plots/satisfaction.svg', async ({ query }, reply) =>
    sendPlot(reply, satisfactionPlot(mainByMonth(await counts.surveys()), plotOptionsOf(query))),
  );

  app.get('/satisfaction.csv', async (_request, reply) =>
    reply
      .header('content-disposition', 'attachment; filename="satisfaction.csv"')
      .type('text/csv; charset=utf-8')
      .send(await satisfactionCsv(client.overview)),
  );
}

async function viewOf(client: CloseoutClient, beingCleared: () => Promise<MassClearProgress[]>) {
  const { overview } = client;
  const [desk, surveys, words, times, sweep, checks, attention, problems] = await Promise.all([
    overview.counts.desk(),
    overview.counts.surveys(),
    overview.counts.words(newest),
    overview.counts.closingTimes(days),
    overview.lastSweep(),
    overview.checks(),
    client.listWithStatus({ phase: 'needsAttention', limit: maxListed }),
    beingCleared().catch(ignoreUnavailable), // without Temporal, the rest is still useful
  ]);
  const stats = statsOf(surveys);
  const [main] = stats.ratings;
  const tables = [
    { title: 'By month', key: 'Month', rows: statsBy(surveys, 'month') },
    { title: 'By ticket type', key: 'Ticket type', rows: statsBy(surveys, 'ticketType') },
    { title: 'By service problem', key: 'Service problem', rows: statsBy(surveys, 'serviceProblem') },
  ].map(({ title, key, rows }) => ({ title, key, total: rows.length, rows: rows.slice(-maxTableRows).map(toRow) }));
  return {
    desk,
    stats,
    main: main && ratingsInWords(main),
    questions: stats.ratings.map(ratingsInWords),
    scoreInWords,
    qualityOf,
    outcomes: outcomesOf(stats),
    words: words.map(({ words: said, ...rest }) => ({ ...rest, said: said && divideReply(said).own })),
    today: times.at(-1)?.day === now().toISOString().slice(0, 10) ? times.at(-1) : undefined,
    times,
    tables,
    duration: durationWords,
    sweep,
    checks,
    attention: attention.reports.map(({ report, status }) => ({ report, ...stateInWords(status, shortTime) })),
    problems: problems ?? [],
  };
}

/** What became of the surveys, in words. */
function outcomesOf(stats: Stats): [string, string][] {
  const rate = stats.responseRate === null ? '' : ` (${stats.responseRate} % of those delivered)`;
  return [
    ['Sent', `${stats.sent}`],
    ['Delivered', `${stats.delivered}`],
    ['Answered', `${stats.answered}${rate}`],
    ['Can still be answered', `${stats.waiting}`],
    ['Expired without an answer', `${stats.expired}`],
    ['Withdrawn', `${stats.superseded}`],
    ['Could not be delivered', `${stats.undeliverable}`],
    ...Object.entries(stats.skipped).map(([reason, count]): [string, string] => [
      `Not sent: ${skipInWords(reason)}`,
      `${count}`,
    ]),
  ];
}

const plotOptionsOf = (query: unknown): PlotOptions => {
  const { scheme, size } = query as Record<string, unknown>;
  return { scheme: scheme === 'dark' ? 'dark' : 'light', size: size === 'narrow' ? 'narrow' : 'wide' };
};

const sendPlot = (reply: FastifyReply, svg: string) =>
  reply
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .type('image/svg+xml')
    .send(svg);

function toRow([name, stats]: [string, Stats]) {
  const { sent, answered, responseRate, ratings } = stats;
  return { name, sent, answered, responseRate, figures: ratings.map(ratingsInWords) };
}

/** The question that most answers are about is the one in the plot and on top of the page. */
function mainByMonth(surveys: SurveyCount[]): [string, Ratings][] {
  const [main] = statsOf(surveys).ratings;
  const ofMain = surveys.filter(({ question, version }) => question === main?.question && version === main.version);
  return statsBy(ofMain, 'month').flatMap(([month, { ratings }]) => ratings.map((r): [string, Ratings] => [month, r]));
}

function ratingsInWords(ratings: Ratings) {
  const { question, version, scale, count, mean, distribution } = ratings;
  return {
    question,
    version,
    ...scaleOf(scale).figure,
    ...figureInWords(ratings),
    isFew: count < fewAnswers,
    count,
    mean,
    scores: scoresOf(scale).map((score, index) => ({ score: scoreInWords(score, scale), count: distribution[index] })),
  };
}
