/** The messages that every language's catalogue has. */
import type { Complaint, Score } from '../../contract/survey.js';

export interface Texts {
  /** The language's own name. */
  language: string;
  /** For dates and times: a BCP 47 tag. */
  locale: string;
  dir: 'ltr' | 'rtl';
  ratings: Record<Score, string>;
  mail: {
    subject: (report: string) => string;
    reminder: (report: string) => string;
    hello: (name: string) => string;
    askedBefore: string;
    closed: (report: string) => string;
    cleared: (when: string) => string;
    question: string;
    nothingStored: string;
    notSolved: string;
    until: (when: string) => string;
    why: string;
    optOut: string;
    preheader: (report: string) => string;
    answeredBy: (report: string) => string;
  };
  /** Before the closing: is the problem fixed? */
  confirm: {
    subject: (report: string) => string;
    warning: (report: string) => string;
    cleared: (report: string) => string;
    isItFixed: string;
    yes: string;
    no: string;
    silence: (when: string) => string;
    staysOpen: string;
    question: (report: string) => string;
    reason: string;
    confirmed: (report: string) => string;
    closed: (report: string) => string;
    closedOn: (report: string, when: string) => string;
    closedInSilence: (report: string, when: string) => string;
    late: string;
    withdrawn: string;
    reopened: string;
    cancelled: string;
  };
  page: {
    question: (report: string) => string;
    errorTitle: string;
    yourAnswer: string;
    complaints: string;
    complaint: Record<Complaint, string>;
    solved: string;
    yes: string;
    no: string;
    comment: string;
    commentHint: (longest: string) => string;
    send: string;
    change: string;
    notSolved: string;
    sendOnly: string;
    hint: string;
    changeable: (until: string) => string;
    choose: string;
    tooLong: (length: string, longest: string) => string;
    otherLanguages: string;
  };
  thanks: {
    title: string;
    rating: (report: string, rating: string) => string;
    reopened: (report: string) => string;
    followUp: (report: string, next: string) => string;
    change: string;
    close: string;
  };
  ended: Record<'answered' | 'expired' | 'superseded', { title: string; text: string }>;
  optOut: { title: string; ask: string; button: string; doneTitle: string; done: string };
  refused: { title: string; again: string; invalid: string; tooMany: string; failed: string };
}
