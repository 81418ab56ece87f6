import { questionNamed } from '../policy/questions.js';
import type { Policy } from '../policy/settings.js';
import type { Deps } from './deps.js';

/** The policy's question as it is now, with the id under which it is stored. */
export async function questionOf({ questions, policyFor }: Deps, policy: Policy['survey']) {
  const question = questionNamed(policy.question, policyFor.questions);
  return { ...question, id: await questions.idOf(question) };
}
