/** CLOSEOUT_POLICY: a YAML file with a default and rules. The first rule that matches a report overrides the default. */
import { readFileSync } from 'node:fs';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { isTimeZone, timeZoneRule } from '../contract/contact.js';
import { highestScore } from '../contract/survey.js';
import {
  defaultConfirmation,
  defaultPolicy,
  weekdays,
  type BusinessHours,
  type Policy,
  type PolicyFor,
} from '../policy/settings.js';
import { day, hour, minute, second } from '../policy/time.js';

const units = { ms: 1, s: second, m: minute, h: hour, d: day };
const longest = 3650 * day;
const durationRule = 'must be a number with ms, s, m, h or d, such as 30s or 7d, at most 3650d';
const duration = z
  .string(durationRule)
  .regex(/^\d{1,12}(ms|s|m|h|d)$/, durationRule)
  .transform((text) => parseInt(text) * units[text.replace(/\d+/, '') as keyof typeof units])
  .refine((ms) => ms <= longest, durationRule);
const positiveDuration = duration.refine((ms) => ms > 0, 'must be more than 0');

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as HH:MM, such as "09:00"');

const endClock = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time of day as HH:MM, such as "17:00", at most "24:00"');

const defaultHours = defaultConfirmation.businessHours as BusinessHours;

const timeZone = z.string().refine(isTimeZone, timeZoneRule);

const businessHours = z
  .strictObject({
    days: z.array(z.enum(weekdays)).min(1, 'must name at least one day').default(defaultHours.days),
    from: clock.default(defaultHours.from),
    to: endClock.default(defaultHours.to),
    zone: timeZone.optional(),
    holidays: z.array(z.iso.date('must be a date such as 2026-12-25')).default([]),
  })
  .refine(({ from, to }) => from < to, 'must begin before they end, on the same day');

const part = {
  brand: z.string().min(1).nullable().optional(),
  holdDown: duration.optional(),
  closing: z.strictObject({ giveUpAfter: duration.optional() }).optional(),
  confirmation: z
    .strictObject({
      window: positiveDuration.optional(),
      warnBefore: duration.nullable().optional(),
      onSilence: z.enum(['close', 'hold']).optional(),
      businessHours: businessHours.nullable().optional(),
    })
    .nullable()
    .optional(),
  survey: z
    .strictObject({
      enabled: z.boolean().optional(),
      delay: duration.optional(),
      expiresAfter: positiveDuration.optional(),
      reminderAfter: duration.nullable().optional(),
      perCycle: z.enum(['once', 'each', 'replace']).optional(),
      contactCap: z
        .strictObject({ count: z.int().min(1), per: duration })
        .nullable()
        .optional(),
      quietHours: z
        .strictObject({ from: clock, to: clock, zone: timeZone.optional() })
        .refine(({ from, to }) => from !== to, 'must begin and end at different times')
        .nullable()
        .optional(),
      sample: z.number().min(0).max(100).optional(),
    })
    .optional(),
  reopen: z.strictObject({ within: duration.optional(), escalateAfter: z.int().min(1).optional() }).optional(),
  alert: z.strictObject({ scoreAtMost: z.int().min(0).max(highestScore).optional() }).optional(),
};
const when = z
  .strictObject({
    ticketType: z.string().optional(),
    severity: z.string().optional(),
    priority: z.string().optional(),
    customerId: z.string().optional(),
  })
  .refine(
    (wanted) => Object.keys(wanted).length > 0,
    'must name at least one attribute; settings for all reports belong under default',
  );
const file = z.strictObject({
  default: z.strictObject(part).default({}),
  rules: z.array(z.strictObject({ when, ...part })).default([]),
});

type Part = z.infer<typeof file>['default'];
type When = z.infer<typeof when>;

/** The attributes of a report that a policy is chosen by. */
export type PolicyAttributes = Parameters<PolicyFor>[0];

interface Rule {
  /** In the file, from 1. */
  line: number;
  when: When;
  policy: Policy;
}

/** The explanation of a report's policy. */
export interface Explanation {
  /** The first rule that matches, from 1; null if none does, so that the default applies. */
  rule: number | null;
  /** Every rule that was compared, in order, with what did not match. The last one matches if `rule` is not null. */
  compared: { rule: number; line: number; differs: string[] }[];
  policy: Policy;
}

/** Throws `BadSetting` that names the setting and its line. Without a file, the defaults apply. `brands`: those that exist. */
export function loadPolicy(path: string | undefined, brands?: string[]): PolicyFor {
  if (!path) return () => defaultPolicy;
  const { common, rules } = readRules(path, brands);
  return (report) => rules.find((rule) => differences(rule.when, report).length === 0)?.policy ?? common;
}

export function explainPolicy(path: string | undefined, report: PolicyAttributes): Explanation {
  const { common, rules } = path ? readRules(path) : { common: defaultPolicy, rules: [] };
  const compared: Explanation['compared'] = [];
  for (const [index, { line, when: wanted, policy }] of rules.entries()) {
    const differs = differences(wanted, report);
    compared.push({ rule: index + 1, line, differs });
    if (differs.length === 0) return { rule: index + 1, compared, policy };
  }
  return { rule: null, compared, policy: common };
}

function differences(wanted: When, report: PolicyAttributes): string[] {
  return Object.entries(wanted)
    .filter(([key, value]) => value !== undefined && report[key as keyof When] !== value)
    .map(([key, value]) => `${key} is ${report[key as keyof When] ?? 'not set'}, not ${value}`);
}

function readRules(path: string, brands?: string[]): { common: Policy; rules: Rule[] } {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines });
  const refusal = (reason: string, line: number | undefined) =>
    new CloseoutError(
      'BadSetting',
      `CLOSEOUT_POLICY ${path}${line ? `, line ${line}` : ''}: ${reason}`,
      'CLOSEOUT_POLICY',
    );
  const [broken] = document.errors;
  if (broken) throw refusal(broken.message.split('\n')[0]?.replace(/ at line .*/, '') ?? '', broken.linePos?.[0].line);
  const lineOf = (keys: readonly PropertyKey[]): number | undefined => {
    const node = document.getIn(keys, true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    return keys.length > 0 ? lineOf(keys.slice(0, -1)) : undefined;
  };
  const parsed = file.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const keys = issue?.path ?? [];
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
    throw refusal(`${[...keys, ...unknown].join('.')} ${issue?.message}`, lineOf([...keys, ...unknown]));
  }
  const { default: base, rules } = parsed.data;
  const checked = (policy: Policy, keys: PropertyKey[]): Policy => {
    if (!windowEnds(policy.confirmation)) {
      const reason = 'is longer than the business hours of 3650 days';
      throw refusal(
        `${[...keys, 'confirmation', 'window'].join('.')} ${reason}`,
        lineOf([...keys, 'confirmation', 'window']),
      );
    }
    if (brands && policy.brand !== null && !brands.includes(policy.brand)) {
      const known =
        brands.length > 0 ? `there are ${brands.join(', ')}` : 'CLOSEOUT_BRANDS names no folder with brands';
      throw refusal(
        `${[...keys, 'brand'].join('.')} ${policy.brand} does not exist; ${known}`,
        lineOf([...keys, 'brand']),
      );
    }
    return policy;
  };
  const common = checked(mergePolicy(defaultPolicy, base), ['default']);
  return {
    common,
    rules: rules.map(({ when: wanted, ...over }, index) => ({
      line: lineOf(['rules', index]) ?? 1,
      when: wanted,
      policy: checked(mergePolicy(common, over), ['rules', index]),
    })),
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

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = `cannot be read: ${(error as Error).message}`;
    throw new CloseoutError('BadSetting', `CLOSEOUT_POLICY ${path}: ${reason}`, 'CLOSEOUT_POLICY');
  }
}

function mergePolicy(policy: Policy, over: Part): Policy {
  return {
    brand: over.brand === undefined ? policy.brand : over.brand,
    holdDown: over.holdDown ?? policy.holdDown,
    closing: { ...policy.closing, ...defined(over.closing) },
    confirmation: mergeConfirmation(policy.confirmation, over.confirmation),
    survey: { ...policy.survey, ...defined(over.survey) },
    reopen: { ...policy.reopen, ...defined(over.reopen) },
    alert: { ...policy.alert, ...defined(over.alert) },
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
