/** What a customer is asked: a question on a scale, and follow-up questions that depend on the score. */
import type { ScaleName } from './scale.js';

/** A text in the company's own words, by language: BCP 47 tags. */
export type ByLanguage = Record<string, string>;

export interface FollowUp {
  id: string;
  /** Asked for scores from `atLeast` to `atMost`; without both, for every score. */
  atLeast?: number;
  atMost?: number;
  /** Absent: what went wrong, in the words of each catalogue. */
  text?: ByLanguage;
  /** What the customer can tick; absent: the customer writes. */
  choices?: { id: string; text?: ByLanguage }[];
}

export interface QuestionSet {
  name: string;
  scale: ScaleName;
  /** Absent: the question of the scale, in the words of each catalogue. */
  text?: ByLanguage;
  followUps: FollowUp[];
}

/** A question set as it was when customers were asked. A changed one has another version. */
export interface AskedQuestion extends QuestionSet {
  id: number;
  /** From 1. */
  version: number;
}

/** Answers to follow-up questions, by their id: the ids of the choices, or the customer's words. */
export type FollowUpAnswers = Record<string, string[] | string>;
