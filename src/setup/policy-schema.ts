/** What a policy file may hold, and how its faults are worded. */
import { z } from 'zod';
import { isTimeZone, timeZoneRule } from '../contract/contact.js';
import { scaleNames } from '../contract/scale.js';
import { isLanguage } from '../customer/texts.js';
import { maxFollowUps } from '../policy/questions.js';
import { isRuleAttribute, ruleAttributes } from '../policy/attributes.js';
import { defaultConfirmation, neverAlert, weekdays, type BusinessHours } from '../policy/settings.js';
import { day, hour, minute, second } from '../policy/time.js';

export const units = { ms: 1, s: second, m: minute, h: hour, d: day };
export const longest = 3650 * day;
const durationRule = 'must be a number with ms, s, m, h or d, such as 30s or 7d, at most 3650d';
export const duration = z
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

const cap = z.strictObject({ count: z.int().min(1), per: duration });

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
      question: z.string().min(1).optional(),
      channel: z.enum(['mail', 'handover']).optional(),
      delay: duration.optional(),
      expiresAfter: positiveDuration.optional(),
      reminderAfter: duration.nullable().optional(),
      perCycle: z.enum(['once', 'each', 'replace']).optional(),
      contactCap: cap.nullable().optional(),
      quietHours: z
        .strictObject({ from: clock, to: clock, zone: timeZone.optional() })
        .refine(({ from, to }) => from !== to, 'must begin and end at different times')
        .nullable()
        .optional(),
      sample: z.number().min(0).max(100).optional(),
    })
    .optional(),
  reopen: z.strictObject({ within: duration.optional(), escalateAfter: z.int().min(1).optional() }).optional(),
  alert: z
    .strictObject({
      scoreAtMost: z
        .union([z.int(), z.literal('never').transform(() => neverAlert), z.null()], 'must be a score, never, or null')
        .optional(),
    })
    .optional(),
};
const wanted = z.union([z.string(), z.number()], 'must be a value, or a list of values').transform(String);
const when = z
  .record(
    z.string(),
    z.union(
      [wanted.transform((value) => [value]), z.array(wanted).min(1, 'must be a value, or a list of values')],
      'must be a value, or a list of values',
    ),
  )
  .superRefine((given, context) => {
    for (const name of Object.keys(given))
      if (!isRuleAttribute(name))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `is not an attribute; valid ones are ${ruleAttributes.join(', ')}, and ticket.PATH for any other attribute of the ticket`,
        });
  })
  .refine(
    (given) => Object.keys(given).length > 0,
    'must name at least one attribute; settings for all reports belong under default',
  );
/** By language; all texts of a question have the same ones. */
const byLanguage = z
  .record(
    z.string(),
    z.string('must be text').trim().min(1, 'must be text'),
    'must be text for each language, such as { en: "…" }',
  )
  .superRefine((texts, context) => {
    for (const language of Object.keys(texts))
      if (!isLanguage(language))
        context.addIssue({ code: 'custom', path: [language], message: 'is not a language that Closeout has texts in' });
  })
  .refine((texts) => Object.keys(texts).length > 0, 'must have text in at least one language');

const name = /^[a-z][a-zA-Z0-9-]{0,30}$/;
const nameRule = 'must be at most 31 letters, digits or "-", and begin with a lower-case letter';

const followUp = z.union(
  [
    z.literal('reasons'),
    z.strictObject({
      id: z.string().regex(name, nameRule),
      atLeast: z.int().optional(),
      atMost: z.int().optional(),
      text: byLanguage,
      choices: z.record(z.string().regex(name, nameRule), byLanguage).optional(),
    }),
  ],
  'must be reasons, or a question with id and text',
);

const question = z.strictObject({
  scale: z.enum(scaleNames),
  text: byLanguage.optional(),
  followUps: z.array(followUp).max(maxFollowUps, `must be at most ${maxFollowUps}`).optional(),
  cap: cap.nullable().optional(),
});

export type QuestionPart = z.infer<typeof question>;

export const file = z.strictObject({
  questions: z.record(z.string().regex(name, nameRule), question).default({}),
  default: z.strictObject(part).default({}),
  rules: z.array(z.strictObject({ when, ...part })).default([]),
});

export type Part = z.infer<typeof file>['default'];
export type When = z.infer<typeof when>;

/** `rules.0.survey.delay` → `rule 1: survey.delay`. */
export function nameOf(keys: readonly PropertyKey[]): string {
  const [first, index, ...rest] = keys;
  return first === 'rules' && typeof index === 'number' ? `rule ${index + 1}: ${rest.join('.')}` : keys.join('.');
}
