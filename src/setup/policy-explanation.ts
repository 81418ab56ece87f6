/** Which rule gives a report its policy, and where each setting comes from; and what is valid, but probably not meant. */
import { defaultPolicy, neverAlert, type Policy, type PolicyFacts } from '../policy/settings.js';
import { differences, readRules } from './policy-file.js';
import { units } from './policy-schema.js';

/** The explanation of a report's policy. */
export interface Explanation {
  /** The first rule that matches, from 1; null if none does, so that the default applies. */
  rule: number | null;
  /** Every rule that was compared, in order, with what did not match. The last one matches if `rule` is not null. */
  compared: { rule: number; line: number; differs: string[] }[];
  policy: Policy;
  /** Every setting as it is written in a file, and where it comes from. */
  settings: { name: string; value: string; from: string }[];
}

/** What is valid, but probably not meant: a line for each. Throws `BadSetting` if the file is not valid. `brands`: those that exist. */
export function policyWarnings(path: string, brands?: string[]): string[] {
  const { common, rules } = readRules(path, brands);
  const severities = rules.flatMap(({ line, when: given }) =>
    (given['severity'] ?? [])
      .filter((word) => !usualSeverities.includes(word.toLowerCase()))
      .map((word) => `line ${line}: severity "${word}" is unusual; TMF621 has ${usualSeverities.join(', ')}.`),
  );
  const late = [{ line: 1, policy: common }, ...rules]
    .filter(({ policy: { survey } }) => (survey.reminderAfter ?? 0) >= survey.expiresAfter)
    .map(({ line }) => `line ${line}: no reminder is sent, because the survey expires before reminderAfter.`);
  const isBranded = [common, ...rules.map(({ policy }) => policy)].some(({ brand }) => brand !== null);
  const unchecked = isBranded && !brands ? ['brands were not looked up, because CLOSEOUT_BRANDS is not set.'] : [];
  return [...severities, ...new Set(late), ...unchecked];
}

const usualSeverities = ['critical', 'major', 'minor'];

export function explainPolicy(path: string | undefined, report: PolicyFacts): Explanation {
  const builtIn = { common: defaultPolicy, rules: [], originOf: () => undefined };
  const { common, rules, originOf } = path ? readRules(path) : builtIn;
  const compared: Explanation['compared'] = [];
  const explained = (rule: number | null, policy: Policy): Explanation => ({
    rule,
    compared,
    policy,
    settings: settingsOf(policy).map(({ path: keys, value }) => ({
      name: keys.join('.'),
      value,
      from: originOf(keys, rule) ?? 'built in',
    })),
  });
  for (const [index, { line, when: given, policy }] of rules.entries()) {
    const differs = differences(given, report);
    compared.push({ rule: index + 1, line, differs });
    if (differs.length === 0) return explained(index + 1, policy);
  }
  return explained(null, common);
}

/** Every single setting, as it is written. */
function settingsOf(value: unknown, path: string[] = []): { path: string[]; value: string }[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([name, inner]) => settingsOf(inner, [...path, name]));
  if (path.join('.') === 'alert.scoreAtMost' && value === neverAlert) return [{ path, value: 'never' }];
  const isDuration = typeof value === 'number' && durations.has(path.at(-1) ?? '');
  return [{ path, value: isDuration ? durationText(value) : JSON.stringify(value) }];
}

const durations = new Set([
  'holdDown',
  'giveUpAfter',
  'window',
  'warnBefore',
  'delay',
  'expiresAfter',
  'reminderAfter',
  'per',
  'within',
]);

/** The largest unit that gives a whole number: `7d`, `90m`. */
function durationText(ms: number): string {
  const [unit = 'ms', length = 1] =
    Object.entries(units)
      .reverse()
      .find(([, size]) => ms % size === 0) ?? [];
  return ms === 0 ? '0s' : `${ms / length}${unit}`;
}
