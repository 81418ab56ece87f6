/** The customer's answer as a note of the ticket, once per change of the answer. */
import { answerMarker } from '../contract/ids.js';
import type { FollowUpAnswers } from '../contract/question.js';
import type { ScaleName } from '../contract/scale.js';
import { answerParts, writtenBelow } from '../operator/follow-ups.js';
import type { KnownTicket } from '../outside/reports/observed.js';
import type { RequestContext } from './http.js';
import type { Systems } from './systems.js';

export interface AnswerToShow {
  reportId: string;
  cycle: number;
  revision: number;
  score: number | null;
  scale: ScaleName;
  solved: boolean | null;
  followUps: FollowUpAnswers;
  comment: string | null;
}

/** Safe to repeat. */
export async function writeAnswerBack(
  systems: Systems,
  ticket: KnownTicket,
  answer: AnswerToShow,
  context: RequestContext,
): Promise<void> {
  const { reportId, cycle, revision } = answer;
  await systems.addNote(ticket, answerMarker(reportId, cycle, revision), answerInWords(answer), context);
}

function answerInWords(answer: AnswerToShow): string {
  const { revision, comment, followUps } = answer;
  const written = writtenBelow(comment, followUps);
  const what = revision === 1 ? 'The customer answered the survey' : 'The customer changed the answer to the survey';
  return [`${what}: ${answerParts(answer)}.`, ...(written ? [written] : [])].join('\n');
}
