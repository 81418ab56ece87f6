/** The scales on which customers answer. */

export interface Scale {
  lowest: number;
  highest: number;
  /** Scores from here on are good. */
  minGoodScore: number;
  /** Up to here, customers are asked for reasons; the NPS counts them as detractors. */
  maxPoorScore: number;
  /** Up to here, an operator is alerted, unless the policy says otherwise. */
  maxAlertScore: number;
  /** The figure that sums the answers up. `nps`: the share of good ones less that of poor ones, from -100 to 100. */
  figure: { kind: 'share' | 'nps'; name: string; counts: string };
}

export const scales = {
  satisfaction: {
    lowest: 1,
    highest: 5,
    minGoodScore: 4,
    maxPoorScore: 3,
    maxAlertScore: 2,
    figure: { kind: 'share', name: 'Satisfied', counts: '4 and 5' },
  },
  nps: {
    lowest: 0,
    highest: 10,
    minGoodScore: 9,
    maxPoorScore: 6,
    maxAlertScore: 6,
    figure: { kind: 'nps', name: 'Net promoter score', counts: '9 and 10 less 0 to 6' },
  },
  thumbs: {
    lowest: 0,
    highest: 1,
    minGoodScore: 1,
    maxPoorScore: 0,
    maxAlertScore: 0,
    figure: { kind: 'share', name: 'Thumbs up', counts: 'thumbs up' },
  },
  effort: {
    lowest: 1,
    highest: 7,
    minGoodScore: 5,
    maxPoorScore: 4,
    maxAlertScore: 3,
    figure: { kind: 'share', name: 'Easy', counts: '5 to 7' },
  },
} as const satisfies Record<string, Scale>;

export type ScaleName = keyof typeof scales;
export const scaleNames = Object.keys(scales) as ScaleName[];

export const scaleOf = (name: ScaleName): Scale => scales[name];
export const isScaleName = (value: unknown): value is ScaleName => scaleNames.some((name) => name === value);

/** Every score of a scale, lowest first. */
export function scoresOf(name: ScaleName): number[] {
  const { lowest, highest } = scales[name];
  return Array.from({ length: highest - lowest + 1 }, (_, index) => lowest + index);
}

export const isScore = (value: unknown, name: ScaleName): value is number =>
  scoresOf(name).some((score) => score === value);

export type Quality = 'good' | 'fair' | 'poor';

export function qualityOf(score: number, name: ScaleName): Quality {
  const { minGoodScore, maxAlertScore } = scales[name];
  if (score >= minGoodScore) return 'good';
  return score <= maxAlertScore ? 'poor' : 'fair';
}

/** For operators: `4 of 5`, `thumbs up`. */
export function scoreInWords(score: number, name: ScaleName): string {
  if (name === 'thumbs') return score === 1 ? 'thumbs up' : 'thumbs down';
  return `${score} of ${scales[name].highest}`;
}
