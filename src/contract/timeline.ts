/** Everything that happened to a report, as one list. */
import type { ReportStatus } from './reports.js';
import type { FollowUpAnswers } from './question.js';
import type { ScaleName } from './scale.js';
import type { SurveyEvent } from './survey.js';

/** Operators' decisions that the ledger keeps. */
export type RecordedOperation = 'hold' | 'release' | 'skipSurvey';

interface Common {
  at: Date;
  cycle: number;
  /** The author: an operator, a service, or `customer`. */
  by?: string;
}

export type TimelineEntry = Common &
  (
    | { kind: 'status'; status: ReportStatus; isOpening: boolean; isReopening: boolean; words?: string }
    | { kind: 'operation'; operation: RecordedOperation; words?: string }
    | { kind: 'survey'; event: Exclude<SurveyEvent, 'answered' | 'changed' | 'wroteBack' | 'replied'>; detail?: string }
    | {
        kind: 'answer';
        revision: number;
        score?: number;
        scale: ScaleName;
        solved?: boolean;
        followUps: FollowUpAnswers;
        words?: string;
      }
    /** A mail, or words on a page. `out`: from an operator to the customer, and whether the relay has accepted it, or why it will not. */
    | { kind: 'message'; direction: 'in' | 'out'; isSent?: boolean; failure?: string; words: string }
  );
