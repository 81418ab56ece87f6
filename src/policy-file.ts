/** CLOSEOUT_POLICY: a YAML file of a default and rules; the first rule that fits a report is laid over the default. */
import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { CloseoutError } from './contract/errors.js';
import { isTimeZone } from './contract/reports.js';
import { defaultPolicy, type Policy, type PolicyFor } from './policy/settings.js';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'must be a number with ms, s, m, h or d, such as 30s or 7d')
  .transform((text) => parseInt(text) * units[text.replace(/\d+/, '') as keyof typeof units]);

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as "21:00", in quotes');

const timeZone = z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin');

const part = {
  holdDown: duration.optional(),
  closing: z.strictObject({ giveUpAfter: duration.optional() }).optional(),
  survey: z
    .strictObject({
      enabled: z.boolean().optional(),
      delay: duration.optional(),
      expiresAfter: duration.optional(),
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
const when = z.strictObject({
  ticketType: z.string().optional(),
  severity: z.string().optional(),
  priority: z.string().optional(),
  customerId: z.string().optional(),
});
const file = z.strictObject({
  default: z.strictObject(part).default({}),
  rules: z.array(z.strictObject({ when, ...part })).default([]),
});

type Part = z.infer<typeof file>['default'];

/** Throws `BadSetting` that names the setting. Without a file: the defaults. */
export function loadPolicy(path: string | undefined): PolicyFor {
  if (!path) return () => defaultPolicy;
  const parsed = file.safeParse(read(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CloseoutError(
      'BadSetting',
      `CLOSEOUT_POLICY ${path}: ${issue?.path.join('.')} ${issue?.message}`,
      'CLOSEOUT_POLICY',
    );
  }
  const { default: base, rules } = parsed.data;
  const common = lay(defaultPolicy, base);
  const policies = rules.map(({ when, ...over }) => ({ when, policy: lay(common, over) }));
  return (report) =>
    policies.find(({ when }) =>
      Object.entries(when).every(([key, value]) => value === undefined || report[key as keyof typeof when] === value),
    )?.policy ?? common;
}

function read(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8')) ?? {};
  } catch (error) {
    const why = error instanceof YAMLParseError ? error.message : `cannot be read: ${(error as Error).message}`;
    throw new CloseoutError('BadSetting', `CLOSEOUT_POLICY ${path}: ${why}`, 'CLOSEOUT_POLICY');
  }
}

function lay(policy: Policy, over: Part): Policy {
  return {
    holdDown: over.holdDown ?? policy.holdDown,
    closing: { ...policy.closing, ...set(over.closing) },
    survey: { ...policy.survey, ...set(over.survey) },
    reopen: { ...policy.reopen, ...set(over.reopen) },
    alert: { ...policy.alert, ...set(over.alert) },
  };
}

const set = <T extends object>(over: T | undefined) =>
  Object.fromEntries(Object.entries(over ?? {}).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
