/** The output of `closeout stats`. */
import Table from 'cli-table3';
import { scores } from '../contract/survey.js';
import { fewAnswers, type Stats } from '../operator/satisfaction.js';

export function statsTable(stats: Stats): string {
  const { csat, mean, ratings, distribution, responseRate } = stats;
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
    ['satisfied (4 and 5)', csat ? `${csat.value} % (${csat.low}-${csat.high} %)` : 'no data'],
    ['mean', mean ?? 'no data'],
    ...scores.map((score, index): [string, number] => [`answered ${score}`, distribution[index] ?? 0]),
  );
  const hint = ratings > 0 && ratings < fewAnswers ? '\nThere are too few answers for reliable figures.' : '';
  return table.toString() + hint;
}
