/** The timeline of a report in words, the same on the desk and on the command line. */
import type { SurveyEvent } from '../contract/survey.js';
import type { TimelineEntry } from '../contract/timeline.js';
import { divideReply } from '../customer/quoted-text.js';
import { answerParts, writtenBelow } from './follow-ups.js';
import { shortTime } from './times.js';

export interface TimelineLine {
  at: Date;
  cycle: number;
  what: string;
  /** The author; absent if it was Closeout itself. */
  by?: string;
  /** What was said or noted. */
  words?: string;
  /** The mail that a reply quotes. */
  quoted?: string;
  /** An operator should read it. */
  isUrgent: boolean;
}

export function timelineLine(entry: TimelineEntry): TimelineLine {
  const { at, cycle, by } = entry;
  const isOurs = by === 'closeout';
  const line = { at, cycle, by: isOurs ? undefined : by, isUrgent: false };
  switch (entry.kind) {
    case 'status':
      return { ...line, what: statusInWords(entry), words: entry.words, isUrgent: entry.isReopening };
    case 'operation':
      return { ...line, what: operations[entry.operation], words: entry.words };
    case 'survey':
      return { ...line, what: events[entry.event](entry.detail ?? ''), isUrgent: urgent.has(entry.event) };
    case 'answer':
      return {
        ...line,
        what: answerInWords(entry),
        words: writtenBelow(entry.words, entry.followUps),
        isUrgent: entry.solved === false,
      };
    case 'message': {
      const { own, quoted } = divideReply(entry.words);
      const isIn = entry.direction === 'in';
      return {
        ...line,
        what: isIn ? 'Wrote' : replyInWords(entry),
        words: own,
        quoted: quoted || undefined,
        isUrgent: isIn || entry.failure !== undefined,
      };
    }
  }
}

function replyInWords({ isSent, failure }: TimelineEntry & { kind: 'message' }): string {
  if (failure !== undefined) return `Reply by mail, not delivered: ${failure}`;
  return isSent ? 'Reply by mail' : 'Reply by mail, not sent yet';
}

function statusInWords({ status, isOpening, isReopening }: TimelineEntry & { kind: 'status' }): string {
  if (isOpening) return 'Opened';
  if (isReopening) return 'Reopened';
  switch (status) {
    case 'resolved':
      return 'Cleared';
    case 'closed':
      return 'Closed';
    case 'cancelled':
    case 'rejected':
      return 'Cancelled';
    default:
      return `Status set to ${status}`;
  }
}

const operations = {
  hold: 'Held: will not be closed until it is released',
  release: 'Released',
  skipSurvey: 'Survey skipped',
} as const satisfies Record<(TimelineEntry & { kind: 'operation' })['operation'], string>;

const urgent = new Set<SurveyEvent>(['refused', 'undeliverable', 'copyNotSent', 'bounced', 'unreachable']);

function surveySent(detail: string): string {
  if (detail === 'by another channel') return 'Survey delivered by another channel';
  return detail ? `Survey shown ${detail}` : 'Survey mail sent';
}

type ShownEvent = (TimelineEntry & { kind: 'survey' })['event'];

const events: Record<ShownEvent, (detail: string) => string> = {
  sent: (detail) => surveySent(detail),
  sentAgain: () => 'Survey mail sent again',
  copyNotSent: (reason) => `A further mail was not sent (${reason})`,
  reminded: () => 'Reminder sent',
  extended: (until) => `More time to answer, until ${shortTime(until)}`,
  revoked: () => 'Survey ended',
  expired: () => 'Survey expired without an answer',
  undeliverable: (reason) => `Survey mail could not be delivered (${reason})`,
  superseded: () => 'Survey withdrawn',
  bounced: (status) => `Mail bounced (${status})`,
  delayed: (status) => `Mail is delayed (${status})`,
  automaticReply: () => 'Automatic reply received',
  optedOut: () => 'Opted out of surveys',
  optOutUndone: () => 'Wants surveys again',
  confirmAsked: () => 'Customer asked whether the problem is fixed',
  confirmWarned: () => 'Customer reminded to confirm',
  confirmed: () => 'Customer says that the problem is fixed',
  refused: () => 'Customer says that the problem is not fixed',
  silence: () => 'No reply from the customer in time',
  released: () => 'No longer waits for the customer',
  unreachable: (failure) => `Customer cannot be reached by mail${failure ? ` (${failure})` : ''}`,
  erased: () => 'Personal data removed',
};

const answerInWords = (answer: TimelineEntry & { kind: 'answer' }): string =>
  `${answer.revision === 1 ? 'Answered the survey' : 'Changed the answer'}: ${answerParts(answer)}`;
