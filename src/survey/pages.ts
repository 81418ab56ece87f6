/** The pages a customer sees, as pure functions of what is known. They need no script and show only what the mail showed. */
import { complaints, scores, type Report, type Score } from '../contract/reports.js';
import { summaryOf } from './mail.js';
import { html } from './templates.js';
import { languageCodes, languages, moment, number, ratingWords, type Language } from './texts.js';

/** Of a comment, in code points. */
export const longestComment = 2000;

export interface SurveyView {
  report: Pick<Report, 'id' | 'name' | 'description'>;
  /** What is chosen already: by the link in the mail, by the form that came in, by the answer before. */
  said: { score?: Score; solved?: boolean; complaints?: string[]; comment?: string };
  error: string | undefined;
  /** Answered before, and may be changed until then. */
  changeable: Date | undefined;
  /** The customer said that it is fixed. */
  confirmed: boolean;
  /** When the report was closed without a word from the customer; ISO 8601. */
  closedInSilence: string | undefined;
  /** Until when it can be answered. */
  until: Date | null;
  timeZone: string | undefined;
  path: string;
}

export function surveyPage(
  language: Language,
  { report, said, error, changeable, confirmed, closedInSilence, until, timeZone, path }: SurveyView,
): string {
  const { page: t, confirm, ratings } = languages[language];
  const notes = [
    ...(confirmed && !changeable ? [confirm.confirmed(report.id)] : []),
    ...(closedInSilence
      ? [confirm.closedInSilence(report.id, moment(new Date(closedInSilence), language, timeZone))]
      : []),
    ...(changeable ? [t.changeable(moment(changeable, language, timeZone))] : []),
  ];
  const question = t.question(report.id);
  const chosen = said.score ? `&r=${said.score}` : '';
  return render('survey', language, {
    title: error ? `${t.errorTitle}: ${question}` : question,
    question,
    summary: summaryOf(report),
    options: scores.map((score) => ({ score, word: ratings[score], checked: score === said.score })),
    complaints: complaints.map((id) => ({ id, word: t.complaint[id], checked: said.complaints?.includes(id) })),
    solved: said.solved,
    asksSolved: !confirmed && said.solved !== false,
    comment: said.comment ?? '',
    commentHint: t.commentHint(number(longestComment, language)),
    error,
    notes,
    isChange: changeable !== undefined,
    until: until && !changeable ? languages[language].mail.until(moment(until, language, timeZone)) : undefined,
    ...forms(language, path, chosen),
  });
}

export interface ConfirmView {
  report: Pick<Report, 'id' | 'name' | 'description'>;
  clearedAt: Date;
  /** Chosen by the link in the mail. */
  fixed: boolean | undefined;
  reason: string;
  error: string | undefined;
  timeZone: string | undefined;
  path: string;
}

/** Before the closing: is it fixed? */
export function confirmPage(language: Language, view: ConfirmView): string {
  const { report, clearedAt, fixed, reason, error, timeZone, path } = view;
  const { confirm, page: t, mail } = languages[language];
  const question = confirm.question(report.id);
  const chosen = fixed === undefined ? '' : `&fixed=${fixed ? 'yes' : 'no'}`;
  return render('confirm', language, {
    title: error ? `${t.errorTitle}: ${question}` : question,
    question,
    summary: summaryOf(report),
    cleared: mail.cleared(moment(clearedAt, language, timeZone)),
    clearing: clearedAt.getTime(),
    fixed,
    reason,
    reasonHint: t.commentHint(number(longestComment, language)),
    error,
    ...forms(language, path, chosen),
  });
}

/** The customer said so already, and there is nothing more to ask. */
export function confirmedPage(language: Language, reportId: string, isFixed: boolean): string {
  const { thanks, confirm } = languages[language];
  const line = isFixed ? confirm.confirmed(reportId) : thanks.reopened(reportId);
  return render('thanks', language, { title: thanks.title, lines: [line] });
}

/** An answer that comes after the closing, where no survey can take it. */
export function latePage(language: Language, reportId: string, closedAt: string, timeZone: string | undefined): string {
  const { confirm, ended } = languages[language];
  const text = confirm.closedInSilence(reportId, moment(new Date(closedAt), language, timeZone));
  return render('message', language, { title: ended.expired.title, text, hint: confirm.late });
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
