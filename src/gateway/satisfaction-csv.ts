/** Every answer as CSV, read from the database page by page. */
import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify';
import type { CloseoutClient } from '../client.js';

type Overview = CloseoutClient['overview'];
type Counts = Overview['counts'];
type Answer = Awaited<ReturnType<Counts['answers']>>[number];

const pageSize = 1000;

/** With a column for each follow-up question that was ever asked. */
export async function satisfactionCsv(overview: Overview): Promise<Readable> {
  const asked = (await overview.questions()).flatMap(({ followUps }) => followUps.map(({ id }) => id));
  const followUps = [...new Set(asked)];
  const columns = [...columnsBefore, ...followUps.map(columnOf), ...columnsAfter];
  // Comments are written by strangers: a spreadsheet must not take one for a formula.
  const table = stringify({ header: true, columns, quoted: true, escape_formulas: true, bom: true });
  return Readable.from(rowsOf(overview.counts, followUps)).compose(table) as Readable;
}

/** Ids of follow-up questions are the company's own, and must not be taken for another column. */
const columnOf = (id: string) => `ask-${id}`;

const columnsBefore = [
  'report',
  'cycle',
  'ticketType',
  'serviceProblem',
  'sentAt',
  'answeredAt',
  'question',
  'version',
  'scale',
  'score',
  'solved',
];
const columnsAfter = ['comment', 'revisions'];

async function* rowsOf(counts: Counts, ids: string[]) {
  let page = await counts.answers(pageSize);
  while (page.length > 0) {
    yield* page.map((answer) => toRow(answer, ids));
    page = page.length < pageSize ? [] : await counts.answers(pageSize, page.at(-1)?.surveyId);
  }
}

const toRow = ({ followUps, sentAt, answeredAt, solved, ...row }: Answer, ids: string[]) => ({
  ...row,
  ...Object.fromEntries(ids.map((id) => [columnOf(id), plainText([followUps[id] ?? ''].flat().join(' '))])),
  solved: solved === null ? '' : yesOrNo(solved),
  sentAt: sentAt?.toISOString(),
  answeredAt: answeredAt.toISOString(),
  ticketType: plainText(row.ticketType),
  serviceProblem: plainText(row.serviceProblem),
  comment: plainText(row.comment),
});

/** Some programs skip leading white space and invisible characters, which escape_formulas does not expect. */
const plainText = (text: string | null): string | null =>
  /^[\s\p{Cf}\p{Cc}]+[=+\-@]/u.test(text ?? '') ? `'${text}` : text;

const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no');
