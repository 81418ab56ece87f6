/** CLOSEOUT_POLICY: a YAML file with a default and rules. The first rule that matches a report overrides the default. */
import { attributeValues, plainAttributes } from '../policy/attributes.js';
import {
  defaultConfirmation,
  defaultPolicy,
  neverAlert,
  type Policy,
  type PolicyFacts,
  type PolicyFor,
} from '../policy/settings.js';
import { questionNamed, type Question } from '../policy/questions.js';
import { day, hour, minute } from '../policy/time.js';
import { file, longest, nameOf, type Part, type When } from './policy-schema.js';
import { askingFaultOf, faultOf, readQuestions } from './policy-questions.js';
import { faultsOf, parseYaml, readSettingsFile, settingsFault } from './yaml-file.js';

interface Rule {
  /** In the file, from 1. */
  line: number;
  when: When;
  policy: Policy;
}

/** Throws `BadSetting` that names the setting and its line. Without a file, the defaults apply. `brands`: those that exist. */
export function loadPolicy(path: string | undefined, brands?: string[]): PolicyFor {
  if (!path) return () => defaultPolicy;
  const { common, rules, questions } = readRules(path, brands);
  const policyFor = (report: PolicyFacts) =>
    rules.find((rule) => differences(rule.when, report).length === 0)?.policy ?? common;
  const names = rules.flatMap(({ when: given }) => Object.keys(given));
  return Object.assign(policyFor, {
    readsTicket: names.some((name) => !plainAttributes.includes(name)),
    questions,
  });
}

/** Upper and lower case count alike. */
export function differences(given: When, report: PolicyFacts): string[] {
  return Object.entries(given).flatMap(([name, allowed]) => {
    const values = attributeValues(report, name);
    const isIn = (value: string) => allowed.some((word) => word.toLowerCase() === value.toLowerCase());
    if (values.some(isIn)) return [];
    return [`${name} is ${values.join(', ') || 'not set'}, not ${allowed.join(' or ')}`];
  });
}

interface Rules {
  questions: ReadonlyMap<string, Question>;
  common: Policy;
  rules: Rule[];
  /** Where a setting comes from, with its line; undefined if it is built in. */
  originOf: (keys: string[], rule: number | null) => string | undefined;
}

export function readRules(path: string, brands?: string[]): Rules {
  const { document, broken, lineOf, has } = parseYaml(readSettingsFile('CLOSEOUT_POLICY', path));
  const refusal = (reason: string, line: number | undefined) =>
    settingsFault('CLOSEOUT_POLICY', path, [{ reason, line }]);
  if (broken) throw refusal(broken.message, broken.line);
  const parsed = file.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw settingsFault('CLOSEOUT_POLICY', path, faultsOf(parsed.error.issues, lineOf, nameOf));
  const { default: base, rules } = parsed.data;
  const questions = readQuestions(parsed.data.questions);
  for (const question of questions.values()) {
    const fault = faultOf(question);
    if (fault) throw refusal(`${nameOf(fault.keys)} ${fault.reason}`, lineOf(fault.keys));
  }
  const checked = (policy: Policy, keys: PropertyKey[]): Policy => {
    if (!windowEnds(policy.confirmation)) {
      const reason = 'must fit into the business hours of 3650 days';
      throw refusal(
        `${nameOf([...keys, 'confirmation', 'window'])} ${reason}`,
        lineOf([...keys, 'confirmation', 'window']),
      );
    }
    if (brands && policy.brand !== null && !brands.includes(policy.brand)) {
      const known =
        brands.length > 0 ? `there are ${brands.join(', ')}` : 'CLOSEOUT_BRANDS names no folder with brands';
      throw refusal(
        `${nameOf([...keys, 'brand'])} ${policy.brand} does not exist; ${known}`,
        lineOf([...keys, 'brand']),
      );
    }
    const fault = askingFaultOf(policy, questions);
    if (fault) throw refusal(`${nameOf([...keys, ...fault.keys])} ${fault.reason}`, lineOf([...keys, ...fault.keys]));
    return policy;
  };
  const common = checked(mergePolicy(defaultPolicy, base, questions), ['default']);
  const read = rules.map(({ when: given, ...over }, index) => ({
    line: lineOf(['rules', index]) ?? 1,
    when: given,
    policy: checked(mergePolicy(common, over, questions), ['rules', index]),
  }));
  return {
    questions,
    common,
    rules: read,
    originOf(keys, rule) {
      const isSet = (section: (string | number)[]) => has([...section, ...keys]);
      if (rule !== null && isSet(['rules', rule - 1]))
        return `rule ${rule}, line ${lineOf(['rules', rule - 1, ...keys])}`;
      // A rule's business hours are complete in themselves.
      const hours = ['confirmation', 'businessHours'];
      const hasOwnHours = rule !== null && has(['rules', rule - 1, ...hours]);
      if (hasOwnHours && keys.slice(0, 2).join() === hours.join()) return undefined;
      // A score to alert at that was not taken over, because the rule asks on another scale.
      const isOnOtherScale = rule !== null && read[rule - 1]?.policy.alert.scoreAtMost !== common.alert.scoreAtMost;
      if (keys[0] === 'alert' && isOnOtherScale) return undefined;
      return isSet(['default']) ? `default, line ${lineOf(['default', ...keys])}` : undefined;
    },
  };
}

/** The end of a window is found day by day. */
function windowEnds(confirmation: Policy['confirmation']): boolean {
  if (!confirmation?.businessHours) return true;
  const { days, from, to } = confirmation.businessHours;
  const perWeek = new Set(days).size * (sinceMidnight(to) - sinceMidnight(from));
  return (confirmation.window / perWeek) * 7 * day <= longest;
}

function sinceMidnight(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return hours * hour + minutes * minute;
}

function mergePolicy(policy: Policy, over: Part, questions: ReadonlyMap<string, Question>): Policy {
  const survey = { ...policy.survey, ...defined(over.survey) };
  const scaleOfQuestion = (name: string) => questionNamed(name, questions).scale;
  // A score to alert at says nothing about another scale, but `never` does.
  const isSameScale = scaleOfQuestion(survey.question) === scaleOfQuestion(policy.survey.question);
  const alert = isSameScale || policy.alert.scoreAtMost === neverAlert ? policy.alert : defaultPolicy.alert;
  return {
    brand: over.brand === undefined ? policy.brand : over.brand,
    holdDown: over.holdDown ?? policy.holdDown,
    closing: { ...policy.closing, ...defined(over.closing) },
    confirmation: mergeConfirmation(policy.confirmation, over.confirmation),
    survey,
    reopen: { ...policy.reopen, ...defined(over.reopen) },
    alert: { ...alert, ...defined(over.alert) },
  };
}

function mergeConfirmation(base: Policy['confirmation'], over: Part['confirmation']): Policy['confirmation'] {
  if (over === null) return null;
  if (over === undefined) return base;
  return { ...(base ?? defaultConfirmation), ...defined(over) };
}

const defined = <T extends object>(over: T | undefined) =>
  Object.fromEntries(Object.entries(over ?? {}).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
