/** What listeners receive: CloudEvents for webhooks, and the events of the standard for listeners of the TMF621 hub. */
import { createHmac } from 'node:crypto';
import type { CloudEvent, EventType } from '../contract/events.js';
import type { Report } from '../contract/reports.js';
import { signLink, type LinkKey } from '../customer/links.js';
import type { Delivery } from '../outside/events/events.js';
import type { TicketEvent } from '../tmf621/hub-query.js';
import { ticketPath } from '../tmf621/ticket.js';

/** Present unless the report is gone. */
type Subject = Pick<Report, 'customerId' | 'externalId' | 'serviceProblemId'> | undefined;

export interface LinkSettings {
  publicUrl: string;
  linkKeys: LinkKey[];
}

/** `survey.ready` holds the link to the survey, which is made here and stored nowhere. */
export function cloudEvent(delivery: Delivery, subject: Subject, { publicUrl, linkKeys }: LinkSettings): CloudEvent {
  const { id, type, reportId, cycle, surveyId, data, at } = delivery;
  const { publicUrl: ownUrl = publicUrl, ...details } = data as { publicUrl?: string };
  return {
    specversion: '1.0',
    id,
    source: publicUrl,
    type: type as EventType,
    subject: reportId,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    data: {
      reportId,
      cycle,
      ...subject,
      surveyId: surveyId ?? undefined,
      ...details,
      link: type === 'survey.ready' && surveyId ? `${ownUrl}/s/${signLink('survey', surveyId, linkKeys)}` : undefined,
    },
  };
}

/** By Standard Webhooks: what is signed is the id, the time of the attempt and the body. */
export function signedHeaders(id: string, body: string, secret: Buffer, now: Date): Record<string, string> {
  const timestamp = `${Math.floor(now.getTime() / 1000)}`;
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
}

/** The events of TMF621 v4.0.0 that an event of ours is, in order; empty if the standard does not know it. */
export function hubEventTypes({ type, data }: Pick<Delivery, 'type' | 'data'>): TicketEvent[] {
  const moved: TicketEvent[] =
    data['status'] === 'pending'
      ? ['TroubleTicketStatusChangeEvent', 'TroubleTicketInformationRequiredEvent']
      : ['TroubleTicketStatusChangeEvent'];
  switch (type) {
    case 'report.opened':
      return ['TroubleTicketCreateEvent'];
    case 'report.deleted':
      return ['TroubleTicketDeleteEvent'];
    case 'report.cleared':
      return [...moved, 'TroubleTicketResolvedEvent'];
    case 'report.closed':
    case 'report.reopened':
    case 'report.cancelled':
      return moved;
    case 'report.changed':
      return data['isMoved'] === true ? moved : ['TroubleTicketAttributeValueChangeEvent'];
    default:
      return [];
  }
}

/** `ticket`: as it is now; undefined if it is gone. Its status is that of the event. */
export function hubEvent(
  { id, reportId, data, at }: Delivery,
  eventType: string,
  ticket: Record<string, unknown> | undefined,
  publicUrl: string,
): Record<string, unknown> {
  const { status } = data;
  const gone = { id: reportId, href: `${publicUrl}${ticketPath}/${reportId}`, '@type': 'TroubleTicket' };
  return {
    '@type': eventType,
    eventId: `${id}.${eventType}`,
    eventType,
    eventTime: at.toISOString(),
    timeOcurred: at.toISOString(),
    correlationId: reportId,
    domain: 'TroubleTicket',
    title: eventType,
    description: eventType.replaceAll(/([a-z])([A-Z])/g, '$1 $2'),
    priority: 'normal',
    event: { troubleTicket: ticket ? { ...ticket, ...(status === undefined ? {} : { status }) } : gone },
  };
}
