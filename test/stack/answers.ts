import { post } from './http.js';
import type { Stack } from './stack.js';

/** Nobody sees an error without a reason, whatever is down. */
export function assertServed({ status }: { status: number }, what: string): void {
  if (status >= 500 && status !== 503) throw new Error(`${what}: ${status}`);
}

interface Attempt {
  score: number;
  sentAt: number;
  /** Of what was not accepted: never, because it may still be. */
  endedAt: number;
}

/** What was answered, by survey: what is stored was not sent before something that was accepted. */
export class Answers {
  private readonly attempts = new Map<string, Attempt[]>();

  constructor(private readonly stack: Stack) {}

  /** Whether it was accepted. */
  async send(surveyId: string, link: string, form: { score: number; solved: string }): Promise<boolean> {
    const attempt = { score: form.score, sentAt: performance.now(), endedAt: Infinity };
    this.attempts.set(surveyId, [...(this.attempts.get(surveyId) ?? []), attempt]);
    const response = await post(link, { score: `${form.score}`, solved: form.solved });
    assertServed(response, 'an answer');
    if (response.status !== 303) return false;
    attempt.endedAt = performance.now();
    return true;
  }

  async lost(): Promise<string[]> {
    const lost: string[] = [];
    for (const [surveyId, attempts] of this.attempts) {
      const lastAccepted = Math.max(
        ...attempts.filter(({ endedAt }) => endedAt < Infinity).map(({ sentAt }) => sentAt),
      );
      if (lastAccepted === -Infinity) continue;
      const stored = (await this.stack.client.surveys.answerOf(surveyId))?.score;
      const possible = attempts.filter(({ endedAt }) => endedAt >= lastAccepted).map(({ score }) => score);
      if (!possible.includes(stored as number)) lost.push(`${surveyId}: ${possible.join(' or ')} became ${stored}`);
    }
    return lost;
  }
}
