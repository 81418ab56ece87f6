/** The webhook of Alertmanager, version 4: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
import { z } from 'zod';
import type { Alarm } from '../client/alarms.js';
import { valuesAt } from '../contract/values.js';
import type { AlarmSource } from '../setup/systems-file.js';

const texts = z.record(z.string(), z.string()).default({});
const time = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-27T08:00:00Z' });
const alert = z.looseObject({
  status: z.enum(['firing', 'resolved']),
  labels: texts,
  annotations: texts,
  startsAt: time,
  endsAt: time.optional(),
  fingerprint: z.string().regex(/^[\w.:-]{1,64}$/, 'must be 1 to 64 letters, digits, ".", ":", "_" or "-"'),
});

export const alertmanagerBody = z.looseObject({
  version: z.literal('4', 'must be "4"'),
  alerts: z.array(alert),
  /** How many alerts Alertmanager left out, by its `max_alerts`. */
  truncatedAlerts: z.number().default(0),
});

export function alarmsIn({ alerts }: Pick<z.infer<typeof alertmanagerBody>, 'alerts'>, source: AlarmSource): Alarm[] {
  return alerts.map((each) => {
    const at = (path: string | undefined): string | undefined =>
      path === undefined ? undefined : valuesAt(each, path.split('.'))[0]?.trim() || undefined;
    const { labels, annotations, startsAt, endsAt, fingerprint } = each;
    const isFiring = each.status === 'firing';
    const text = (value: string | undefined) => value?.trim() || undefined; // a template may give an empty one
    const name = text(annotations['summary']) ?? text(labels['alertname']) ?? fingerprint;
    return {
      fingerprint,
      isFiring,
      startsAt: new Date(startsAt).toISOString(),
      endsAt: isFiring || endsAt === undefined ? undefined : new Date(endsAt).toISOString(),
      name: name.slice(0, 255),
      description: (text(annotations['description']) ?? name).slice(0, 10_000),
      severity: at(source.severity) ?? 'minor',
      customerId: at(source.customer),
      serviceProblemId: at(source.serviceProblem),
      emailAddress: at(source.email),
    };
  });
}
