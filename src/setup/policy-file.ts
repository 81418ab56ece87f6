/** CLOSEOUT_POLICY: a YAML file of a default and rules; the first rule that fits a report is laid over the default. */
import { readFileSync } from 'node:fs';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { isTimeZone, timeZoneWords } from '../contract/reports.js';
import {
  defaultConfirmation,
  defaultPolicy,
  weekdays,
  type BusinessHours,
  type Policy,
  type PolicyFor,
} from '../policy/settings.js';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationWords = 'must be a number with ms, s, m, h or d, such as 30s or 7d, at most 3650d';
const duration = z
  .string(durationWords)
  .regex(/^\d{1,12}(ms|s|m|h|d)$/, durationWords)
  .transform((text) => parseInt(text) * units[text.replace(/\d+/, '') as keyof typeof units])
  .refine((ms) => ms <= 3650 * units.d, durationWords);
const someTime = duration.refine((ms) => ms > 0, 'must be more than nothing');

const clock = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day of two digits each, such as "09:00"');

const defaultHours = defaultConfirmation.businessHours as BusinessHours;

const timeZone = z.string().refine(isTimeZone, timeZoneWords);

const businessHours = z
  .strictObject({
    days: z.array(z.enum(weekdays)).min(1, 'must name at least one day').default(defaultHours.days),
    from: clock.default(defaultHours.from),
    to: clock.default(defaultHours.to),
    zone: timeZone.optional(),
    holidays: z.array(z.iso.date('must be a date such as 2026-12-25')).default([]),
  })
  .refine(({ from, to }) => from < to, 'must begin before they end');

const part = {
  holdDown: duration.optional(),
  closing: z.strictObject({ giveUpAfter: duration.optional() }).optional(),
  confirmation: z
    .strictObject({
      window: someTime.optional(),
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
      expiresAfter: someTime.optional(),
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
  alert: z.strictObject({ scoreAtMost: z.int().min(0).max(5).optional() }).optional(),
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
    'must name at least one thing to fit; what is for all stands under default',
  );
const file = z.strictObject({
  default: z.strictObject(part).default({}),
  rules: z.array(z.strictObject({ when, ...part })).default([]),
});

type Part = z.infer<typeof file>['default'];
type When = z.infer<typeof when>;

/** What a policy is chosen by. */
export type Described = Parameters<PolicyFor>[0];

interface Rule {
  /** In the file, from 1. */
  line: number;
  when: When;
  policy: Policy;
}

/** Why a report has the policy it has. */
export interface Explanation {
  /** The first rule that fits, from 1; null: none does, so the default counts. */
  rule: number | null;
  /** Every rule looked at, in order, with what did not fit; the last one fits if `rule` is not null. */
  looked: { rule: number; line: number; differs: string[] }[];
  policy: Policy;
}

/** Throws `BadSetting` that names the setting and its line. Without a file: the defaults. */
export function loadPolicy(path: string | undefined): PolicyFor {
  if (!path) return () => defaultPolicy;
  const { common, rules } = readRules(path);
  return (report) => rules.find((rule) => differences(rule.when, report).length === 0)?.policy ?? common;
}

export function explainPolicy(path: string | undefined, report: Described): Explanation {
  const { common, rules } = path ? readRules(path) : { common: defaultPolicy, rules: [] };
  const looked: Explanation['looked'] = [];
  for (const [index, { line, when: wanted, policy }] of rules.entries()) {
    const differs = differences(wanted, report);
    looked.push({ rule: index + 1, line, differs });
    if (differs.length === 0) return { rule: index + 1, looked, policy };
  }
  return { rule: null, looked, policy: common };
}

function differences(wanted: When, report: Described): string[] {
  return Object.entries(wanted)
    .filter(([key, value]) => value !== undefined && report[key as keyof When] !== value)
    .map(([key, value]) => `${key} is ${report[key as keyof When] ?? 'not set'}, not ${value}`);
}

function readRules(path: string): { common: Policy; rules: Rule[] } {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines });
  const refuse = (why: string, line: number | undefined) =>
    new CloseoutError(
      'BadSetting',
      `CLOSEOUT_POLICY ${path}${line ? `, line ${line}` : ''}: ${why}`,
      'CLOSEOUT_POLICY',
    );
  const [broken] = document.errors;
  if (broken) throw refuse(broken.message.split('\n')[0]?.replace(/ at line .*/, '') ?? '', broken.linePos?.[0].line);
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
    throw refuse(`${[...keys, ...unknown].join('.')} ${issue?.message}`, lineOf([...keys, ...unknown]));
  }
  const { default: base, rules } = parsed.data;
  const common = lay(defaultPolicy, base);
  return {
    common,
    rules: rules.map(({ when: wanted, ...over }, index) => ({
      line: lineOf(['rules', index]) ?? 1,
      when: wanted,
      policy: lay(common, over),
    })),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = `cannot be read: ${(error as Error).message}`;
    throw new CloseoutError('BadSetting', `CLOSEOUT_POLICY ${path}: ${why}`, 'CLOSEOUT_POLICY');
  }
}

function lay(policy: Policy, over: Part): Policy {
  return {
    holdDown: over.holdDown ?? policy.holdDown,
    closing: { ...policy.closing, ...set(over.closing) },
    confirmation: layConfirmation(policy.confirmation, over.confirmation),
    survey: { ...policy.survey, ...set(over.survey) },
    reopen: { ...policy.reopen, ...set(over.reopen) },
    alert: { ...policy.alert, ...set(over.alert) },
  };
}

function layConfirmation(base: Policy['confirmation'], over: Part['confirmation']): Policy['confirmation'] {
  if (over === undefined || over === null) return over === null ? null : base;
  return { ...(base ?? defaultConfirmation), ...set(over) };
}

const set = <T extends object>(over: T | undefined) =>
  Object.fromEntries(Object.entries(over ?? {}).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
