/** The pages a customer sees, as pure functions of what is known. They need no script and show only what the mail showed. */
import { complaints, scores, type Report, type Score } from '../contract/reports.js';
import { summaryOf } from './mail.js';
import { html } from '../views/render.js';
import { languageCodes, languages, moment, number, ratingWords, type Language } from './texts.js';

/** Of a comment, in code points. */
export const longestComment = 2000;

export interface SurveyView {
  report: Pick<Report, 'id' | 'name' | 'description' | 'closedAt'>;
  /** What is chosen already: by the link in the mail, by the form that came in, by the answer before. */
  said: { score?: Score; solved?: boolean; complaints?: string[]; comment?: string };
  error: string | undefined;
  /** Answered before, and may be changed until then. */
  changeable: Date | undefined;
  /** What came of asking before the closing; null: was not asked. */
  confirmation: string | null;
  /** Until when it can be answered. */
  until: Date | null;
  timeZone: string | undefined;
  path: string;
}

export function surveyPage(
  language: Language,
  { report, said, error, changeable, confirmation, until, timeZone, path }: SurveyView,
): string {
  const { page: t, ratings } = languages[language];
  const note = changeable
    ? t.changeable(moment(changeable, language, timeZone))
    : closingWords(language, report, confirmation, timeZone);
  const question = t.question(report.id);
  const chosen = said.score ? `&r=${said.score}` : '';
  return render('survey', language, {
    title: error ? `${t.errorTitle}: ${question}` : question,
    question,
    summary: summaryOf(report),
    options: scores.map((score) => ({ score, word: ratings[score], checked: score === said.score })),
    complaints: complaints.map((id) => ({ id, word: t.complaint[id], checked: said.complaints?.includes(id) })),
    solved: said.solved,
    asksSolved: confirmation !== 'yes' && said.solved !== false,
    comment: said.comment ?? '',
    commentHint: t.commentHint(number(longestComment, language)),
    error,
    note,
    isChange: changeable !== undefined,
    until: until && !changeable ? languages[language].mail.until(moment(until, language, timeZone)) : undefined,
    ...forms(language, path, chosen),
  });
}

/** How a report was closed whose customer had been asked before. */
function closingWords(
  language: Language,
  { id, closedAt }: Pick<Report, 'id' | 'closedAt'>,
  confirmation: string | null,
  timeZone: string | undefined,
): string | undefined {
  const { confirm } = languages[language];
  if (confirmation === 'yes') return closedAt ? confirm.closed(id) : confirm.confirmed(id);
  if (!closedAt || confirmation === null) return undefined;
  const when = moment(new Date(closedAt), language, timeZone);
  return confirmation === 'silence' ? confirm.closedInSilence(id, when) : confirm.closedOn(id, when);
}

export interface ConfirmView {
  report: Pick<Report, 'id' | 'name' | 'description' | 'closedAt'>;
  clearedAt: Date;
  confirmation: string | null;
  isLate: boolean;
  /** Chosen by the link in the mail. */
  fixed: boolean | undefined;
  reason: string;
  error: string | undefined;
  timeZone: string | undefined;
  path: string;
}

/** Before the closing: is it fixed? */
export function confirmPage(language: Language, view: ConfirmView): string {
  const { report, clearedAt, confirmation, fixed, reason, error, timeZone, path } = view;
  const { confirm, page: t, mail } = languages[language];
  const question = confirm.question(report.id);
  const chosen = fixed === undefined ? '' : `&fixed=${fixed ? 'yes' : 'no'}`;
  return render('confirm', language, {
    title: error ? `${t.errorTitle}: ${question}` : question,
    question,
    summary: summaryOf(report),
    // Closed without the customer's word: only a "no" is still worth saying.
    isLate: view.isLate,
    standing:
      closingWords(language, report, confirmation, timeZone) ?? mail.cleared(moment(clearedAt, language, timeZone)),
    clearing: clearedAt.getTime(),
    fixed,
    reason,
    reasonHint: t.commentHint(number(longestComment, language)),
    error,
    ...forms(language, path, chosen),
  });
}

/** The customer said so already, and there is nothing more to ask. */
export function confirmedPage(language: Language, report: Pick<Report, 'id' | 'closedAt'>, isFixed: boolean): string {
  const { thanks } = languages[language];
  const line = isFixed ? closingWords(language, report, 'yes', undefined) : thanks.reopened(report.id);
  return render('thanks', language, { title: thanks.title, lines: [line] });
}

/** An answer that comes too late even to open the report again. */
export function latePage(
  language: Language,
  report: Pick<Report, 'id' | 'closedAt'>,
  confirmation: string | null,
  timeZone: string | undefined,
): string {
  const { confirm } = languages[language];
  const text = closingWords(language, report, confirmation, timeZone);
  return render('message', language, { title: confirm.withdrawn, text, hint: confirm.late });
}

/** There is nothing to confirm any more. */
export function withdrawnPage(language: Language, why: 'reopened' | 'cancelled', reportId: string): string {
  const { confirm } = languages[language];
  return render('message', language, { title: confirm.withdrawn, text: confirm[why], hint: reportId });
}

export interface ThanksView {
  reportId: string;
  score: Score | undefined;
  reopened: boolean;
  /** Id of the report that was opened because the old one could not be opened again. */
  followUp: string | undefined;
  changeAt: string | undefined;
}

export function thanksPage(language: Language, { reportId, score, reopened, followUp, changeAt }: ThanksView): string {
  const { thanks } = languages[language];
  return render('thanks', language, {
    title: thanks.title,
    lines: [
      ...(score ? [thanks.rating(reportId, ratingWords(score, language))] : []),
      ...(reopened ? [thanks.reopened(reportId)] : []),
      ...(followUp ? [thanks.followUp(reportId, followUp)] : []),
    ],
    changeAt,
  });
}

export function endedPage(language: Language, state: 'answered' | 'expired' | 'superseded', reportId: string): string {
  return render('message', language, { ...languages[language].ended[state], hint: reportId });
}

export function optOutPage(language: Language, isDone: boolean): string {
  const { optOut } = languages[language];
  return isDone
    ? render('message', language, { title: optOut.doneTitle, text: optOut.done })
    : render('opt-out', language, { title: optOut.title });
}

export function refusedPage(language: Language, text: string): string {
  const { refused } = languages[language];
  return render('message', language, { title: refused.title, text, hint: refused.again });
}

/** Where a form goes to, and the same page in other languages with what was chosen already. */
const forms = (language: Language, path: string, chosen: string) => ({
  action: `${path}?lang=${language}`,
  others: languageCodes
    .filter((code) => code !== language)
    .map((code) => ({ code, name: languages[code].language, href: `${path}?lang=${code}${chosen}` })),
});

function render(template: string, language: Language, view: object): string {
  const t = languages[language];
  return html.render(`./${template}.html.eta`, { ...view, t, lang: language, dir: t.dir });
}
