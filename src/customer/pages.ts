/** The pages a customer sees. They need no script, and show only what the mail showed. The same input is the same page. */
import type { Report } from '../contract/reports.js';
import type { QuestionSet } from '../contract/question.js';
import { maxCommentLength, type Answer, type ConfirmationState } from '../contract/survey.js';
import { html } from '../views/render.js';
import { summaryOf } from './mail.js';
import type { Voice } from './brand.js';
import { asksAt, followUpsInWords, isRow, languagesOf, optionsOf, questionText, scoreWords } from './question.js';
import { formatNumber, formatTime, languageCodes, textsOf, type Language } from './texts.js';

/** Longest answer to a follow-up question, in code points. */
export const maxFollowUpLength = 500;

type ShownReport = Pick<Report, 'id' | 'name' | 'description' | 'closedAt'>;
type ClosedReport = Pick<Report, 'id' | 'closedAt'>;

/** What is wrong with a form, and the id of the field. */
export interface FormError {
  text: string;
  field: string;
}

export interface SurveyView {
  report: ShownReport;
  asked: QuestionSet;
  /** Preselected by the link in the mail, the submitted form, or the earlier answer. */
  answer: Answer;
  error: FormError | undefined;
  /** Until when an earlier answer can be changed. */
  changeableUntil: Date | undefined;
  /** null: the customer was not asked to confirm. */
  confirmation: ConfirmationState | null;
  /** Until when the survey can be answered. */
  until: Date | null;
  timeZone: string | undefined;
  path: string;
}

export function surveyPage(voice: Voice, view: SurveyView): string {
  const { report, asked, answer, error, changeableUntil, confirmation, until, timeZone, path } = view;
  const { page: t, mail } = voice.t;
  const note = changeableUntil
    ? t.changeable({ until: formatTime(changeableUntil, voice.language, timeZone) })
    : closingNote(voice, report, confirmation, timeZone);
  const question = questionText(asked, voice);
  const score = answer.score === undefined ? '' : `&r=${answer.score}`;
  const chosen = answer.solved === false ? `${score}&solved=no` : score;
  return render('survey', voice, {
    title: error ? `${t.errorTitle}: ${question}` : question,
    question,
    reportId: report.id,
    summary: summaryOf(report),
    options: optionsOf(asked).map((score) => ({
      score,
      words: scoreWords(score, asked.scale, voice),
      checked: score === answer.score,
      asks: asksAt(asked, score),
    })),
    isRow: isRow(asked.scale),
    followUps: followUpsInWords(asked, voice, answer.followUps),
    followUpHint: t.commentHint({ longest: formatNumber(maxFollowUpLength, voice.language) }),
    solved: answer.solved,
    asksSolved: confirmation !== 'yes' || answer.solved === false,
    comment: answer.comment ?? '',
    commentHint: t.commentHint({ longest: formatNumber(maxCommentLength, voice.language) }),
    error,
    note,
    isChange: changeableUntil !== undefined,
    until: until && !changeableUntil ? mail.until({ when: formatTime(until, voice.language, timeZone) }) : undefined,
    ...formLinks(voice, path, chosen, languagesOf(asked)),
  });
}

/** The note that says how the report was closed, if the customer was asked to confirm. */
function closingNote(
  voice: Voice,
  { id, closedAt }: ClosedReport,
  confirmation: ConfirmationState | null,
  timeZone: string | undefined,
): string | undefined {
  const { confirm } = voice.t;
  if (confirmation === 'yes') return closedAt ? confirm.closed({ report: id }) : confirm.confirmed({ report: id });
  if (!closedAt || confirmation === null) return undefined;
  const when = formatTime(new Date(closedAt), voice.language, timeZone);
  return confirmation === 'silence'
    ? confirm.closedInSilence({ report: id, when })
    : confirm.closedOn({ report: id, when });
}

export interface ConfirmView {
  report: ShownReport;
  clearedAt: Date;
  confirmation: ConfirmationState | null;
  /** The report was closed without a confirmation, so only a "no" makes a difference. */
  isLate: boolean;
  /** Preselected by the link in the mail. */
  fixed: boolean | undefined;
  reason: string;
  error: string | undefined;
  timeZone: string | undefined;
  path: string;
}

/** Before the closing: is the problem fixed? */
export function confirmPage(voice: Voice, view: ConfirmView): string {
  const { report, clearedAt, confirmation, isLate, fixed, reason, error, timeZone, path } = view;
  const { confirm, page: t, mail } = voice.t;
  const question = confirm.question({ report: report.id });
  const chosen = fixed === undefined ? '' : `&fixed=${fixed ? 'yes' : 'no'}`;
  return render('confirm', voice, {
    title: error ? `${t.errorTitle}: ${question}` : question,
    question,
    summary: summaryOf(report),
    isLate,
    state:
      closingNote(voice, report, confirmation, timeZone) ??
      mail.cleared({ when: formatTime(clearedAt, voice.language, timeZone) }),
    clearing: clearedAt.getTime(),
    fixed,
    reason,
    reasonHint: t.commentHint({ longest: formatNumber(maxCommentLength, voice.language) }),
    error,
    ...formLinks(voice, path, chosen),
  });
}

/** The customer has replied, and there is nothing more to ask. */
export function repliedPage(voice: Voice, report: ClosedReport, isFixed: boolean): string {
  const { thanks } = voice.t;
  const line = isFixed ? closingNote(voice, report, 'yes', undefined) : thanks.reopened({ report: report.id });
  return render('thanks', voice, { title: thanks.title, lines: [line] });
}

/** The reply is too late even to reopen the report. */
export function latePage(
  voice: Voice,
  report: ClosedReport,
  confirmation: ConfirmationState | null,
  timeZone: string | undefined,
): string {
  const { confirm } = voice.t;
  const note = closingNote(voice, report, confirmation, timeZone); // none before the closing
  const words = note === undefined ? { text: confirm.late } : { text: note, hint: confirm.late };
  return render('message', voice, { title: confirm.withdrawn, ...words });
}

/** There is nothing to confirm any more. */
export function withdrawnPage(voice: Voice, why: 'reopened' | 'cancelled', reportId: string): string {
  const { confirm } = voice.t;
  return render('message', voice, { title: confirm.withdrawn, text: confirm[why], hint: reportId });
}

export interface ThanksView {
  reportId: string;
  asked: QuestionSet;
  score: number | undefined;
  isReopened: boolean;
  /** Id of the follow-up report that was opened because it was too late to reopen. */
  followUp: string | undefined;
  /** Link to the form, if the answer can still be changed. */
  changeLink: string | undefined;
}

export function thanksPage(voice: Voice, view: ThanksView): string {
  const { reportId, asked, score, isReopened, followUp, changeLink } = view;
  const { thanks } = voice.t;
  const lines: string[] = [];
  if (score !== undefined)
    lines.push(thanks.rating({ report: reportId, rating: scoreWords(score, asked.scale, voice) }));
  if (isReopened) lines.push(thanks.reopened({ report: reportId }));
  if (followUp !== undefined) lines.push(thanks.followUp({ report: reportId, next: followUp }));
  return render('thanks', voice, { title: thanks.title, lines, changeLink });
}

/** The form with which a customer who comes late can still say that the problem is not solved. */
export interface LateForm {
  /** Of the survey's page, without its language. */
  path: string;
  reason?: string;
  error?: string;
}

export function endedPage(
  voice: Voice,
  state: 'answered' | 'expired' | 'superseded',
  { id, name, description }: ShownReport,
  late?: LateForm,
): string {
  const { title, text } = voice.t.ended[state];
  if (!late) return render('message', voice, { title, text, hint: id });
  const { page } = voice.t;
  const { path, reason, error } = late;
  return render('ended', voice, {
    title: error ? `${page.errorTitle}: ${title}` : title,
    heading: title,
    text,
    summary: summaryOf({ name, description }),
    reason,
    reasonHint: page.commentHint({ longest: formatNumber(maxCommentLength, voice.language) }),
    error,
    action: `${path}/reopen?lang=${voice.language}`,
    others: formLinks(voice, path, '').others,
  });
}

/** `path`: of this page, without its language. */
export function optOutPage(voice: Voice, state: 'ask' | 'done' | 'undone', path: string): string {
  const { optOut } = voice.t;
  switch (state) {
    case 'ask':
      return render('opt-out', voice, {
        title: optOut.title,
        text: optOut.ask,
        button: optOut.button,
        ...formLinks(voice, path, ''),
      });
    case 'done':
      return render('opt-out', voice, {
        title: optOut.doneTitle,
        text: optOut.done,
        button: optOut.undo,
        undo: true,
        others: [],
      });
    case 'undone':
      return render('message', voice, { title: optOut.undoneTitle, text: optOut.undone });
  }
}

/** The report of a survey was deleted. */
export const gonePage = (voice: Voice): string => render('message', voice, voice.t.ended.expired);

export function refusedPage(voice: Voice, text: string): string {
  const { refused } = voice.t;
  return render('message', voice, { title: refused.title, text, hint: refused.again });
}

/** The target of a form, and links to the same page in other languages with the same preselection. */
const formLinks = ({ language }: Voice, path: string, chosen: string, languages: Language[] = languageCodes) => ({
  action: `${path}?lang=${language}`,
  others: languages
    .filter((code) => code !== language)
    .map((code) => ({ code, name: textsOf(code).language, href: `${path}?lang=${code}${chosen}` })),
});

function render(template: string, { brand, language, t }: Voice, view: object): string {
  return html.render(`./${template}.html.eta`, { ...view, t, brand, lang: language, dir: t.dir });
}
