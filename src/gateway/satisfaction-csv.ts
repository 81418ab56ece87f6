/** Every answer as CSV, read from the database page by page. */
import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify';
import type { CloseoutClient } from '../client.js';

type Counts = CloseoutClient['overview']['counts'];
type Answer = Awaited<ReturnType<Counts['answers']>>[number];

const pageSize = 1000;

export function satisfactionCsv(counts: Counts): Readable {
  // Comments are written by strangers: a spreadsheet must not take one for a formula.
  const table = stringify({ header: true, columns, quoted: true, escape_formulas: true, bom: true });
  return Readable.from(rowsOf(counts)).compose(table) as Readable;
}

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

async function* rowsOf(counts: Counts) {
  let page = await counts.answers(pageSize);
  while (page.length > 0) {
    yield* page.map(toRow);
    page = page.length < pageSize ? [] : await counts.answers(pageSize, page.at(-1)?.surveyId);
  }
}

const toRow = ({ complaints, sentAt, answeredAt, solved, ...row }: Answer) => ({
  ...row,
  solved: solved === null ? '' : yesOrNo(solved),
  complaints: complaints.join(' '),
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
