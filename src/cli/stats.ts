/** The output of `closeout stats`. */
import Table from 'cli-table3';
import { scaleOf, scoresOf, scoreInWords } from '../contract/scale.js';
import { fewAnswers, figureInWords, type Ratings, type Stats } from '../operator/satisfaction.js';

export function statsTable(stats: Stats): string {
  const { ratings, responseRate } = stats;
  const table = new Table({ style: { head: [], border: [] } });
  table.push(
    ['sent', stats.sent],
    ['delivered', stats.delivered],
    ['answered', responseRate === null ? stats.answered : `${stats.answered} (${responseRate} % of delivered)`],
    ['open', stats.waiting],
    ['expired', stats.expired],
    ['superseded', stats.superseded],
    ['undeliverable', stats.undeliverable],
    ...Object.entries(stats.skipped).map(([reason, count]): [string, number] => [`skipped: ${reason}`, count]),
    ...(ratings.length === 0 ? [['answers with a score', 0]] : ratings.flatMap(rowsOf)),
  );
  const hint = ratings.some(({ count }) => count < fewAnswers)
    ? '\nThere are too few answers for reliable figures.'
    : '';
  return table.toString() + hint;
}

/** The answers to one version of a question. */
function rowsOf(ratings: Ratings): [string, string | number][] {
  const { question, version, scale, count, mean, distribution } = ratings;
  const { name, counts } = scaleOf(scale).figure;
  const { value, interval } = figureInWords(ratings);
  return [
    [`question ${question}, version ${version}`, `${count} answers with a score`],
    [`${name.toLowerCase()} (${counts})`, `${value} (${interval})`],
    ['mean', mean],
    ...scoresOf(scale).map((score, index): [string, number] => [
      `answered ${scoreInWords(score, scale)}`,
      distribution[index] ?? 0,
    ]),
  ];
}
