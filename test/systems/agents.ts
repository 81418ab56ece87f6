/** Ticket systems as their agents use them, and the real ones. */
import type { SystemSettings } from '../../src/setup/systems-file.js';
import type { NewTicket } from '../../src/systems/port.js';
import { startLive, type Live } from './live.js';

/** The system as its agents use it. */
export interface Agent {
  settings: SystemSettings;
  /** The same, with a login that is wrong. */
  wrongLogin: SystemSettings;
  /** The same, but for other tickets only: those that are opened through `settings` are none of its. */
  others: SystemSettings;
  /** Attributes of a new ticket that the system keeps, beside its name. */
  keeps: (keyof NewTicket)[];
  /** False: which statuses there are cannot be asked for. */
  listsStatuses?: boolean;
  /** Sets a status, as an agent does. */
  setStatus: (id: string, status: string) => Promise<void>;
  /** Deletes a ticket; undefined if the system cannot. */
  remove?: (id: string) => Promise<void>;
  /** An event that the system would send about a ticket; undefined if it sends none. */
  eventAbout?: (id: string) => unknown;
  /** Whether a GET asks for a page of a list; absent: its query has `limit`, `per_page` or `page_size`. */
  isList?: (path: string) => boolean;
  stop?: () => Promise<void>;
}

/** Live, and as its agents use it. */
export type LiveAgent = Agent & {
  live: Live;
  /** How often a ticket was closed, by the system's own history. */
  timesClosed: (id: string) => Promise<number>;
};

/** Settings that need no value of their own. */
export const usual = {
  only: {},
  fields: {},
  status: {},
  poll: 1000,
  rate: 1000,
  writeBack: { closing: true, answer: true },
};

/** `openOther`: opens an issue of a tracker that has other custom fields. */
export async function startRedmine(): Promise<LiveAgent & { openOther: () => Promise<void> }> {
  const live = await startLive('redmine');
  const { url, token, stop } = live;
  const settings: SystemSettings = {
    ...usual,
    type: 'redmine',
    url,
    token,
    only: { project: 'support' },
    fields: {
      email: 'Requester e-mail',
      customer: 'Customer',
      serviceProblem: 'Service problem',
      severity: 'Severity',
      ticketType: 'Type',
      reference: 'Closeout',
    },
  };
  const call = async (method: string, path: string, body?: object) => {
    const headers = { 'x-redmine-api-key': token, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return (await answer.text()) || '{}';
  };
  const statuses = JSON.parse(await call('GET', '/issue_statuses.json')) as {
    issue_statuses: { id: number; name: string }[];
  };
  return {
    stop,
    live,
    settings,
    wrongLogin: { ...settings, token: 'wrong' },
    others: { ...settings, only: { project: 'other' } },
    keeps: ['description', 'severity', 'ticketType', 'customerId', 'serviceProblemId', 'contact'],
    async setStatus(id, status) {
      const found = statuses.issue_statuses.find(({ name }) => name === status);
      await call('PUT', `/issues/${id}.json`, { issue: { status_id: found?.id } });
    },
    remove: async (id) => void (await call('DELETE', `/issues/${id}.json`)),
    async openOther() {
      const { trackers } = JSON.parse(await call('GET', '/trackers.json')) as {
        trackers: { id: number; name: string }[];
      };
      const tracker = trackers.find(({ name }) => name === 'Support');
      await call('POST', '/issues.json', {
        issue: { project_id: 'support', tracker_id: tracker?.id, subject: 'Which colour is it?' },
      });
    },
    async timesClosed(id) {
      const closed = statuses.issue_statuses.find(({ name }) => name === 'Closed');
      const { issue } = JSON.parse(await call('GET', `/issues/${id}.json?include=journals`)) as {
        issue: { journals: { details: { name: string; new_value: string }[] }[] };
      };
      const details = issue.journals.flatMap((journal) => journal.details);
      return details.filter(({ name, new_value: value }) => name === 'status_id' && value === `${closed?.id}`).length;
    },
  };
}

/** `webhook`: an address that it calls. */
export async function startHelpdesk(webhook?: string): Promise<LiveAgent> {
  const live = await startLive('django-helpdesk', ...(webhook ? [webhook] : []));
  const { url, token, stop } = live;
  const settings: SystemSettings = {
    ...usual,
    type: 'django-helpdesk',
    url,
    token,
    only: { queue: '1' },
    fields: {},
  };
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Token ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer.text();
  };
  const numbers: Record<string, number> = { Open: 1, Reopened: 2, Resolved: 3, Closed: 4, Duplicate: 5 };
  return {
    stop,
    live,
    settings,
    wrongLogin: { ...settings, token: 'wrong' },
    others: { ...settings, only: { queue: '2' } },
    keeps: ['description', 'severity', 'contact'],
    setStatus: async (id, status) => void (await call('PATCH', `/api/tickets/${id}/`, { status: numbers[status] })),
    remove: async (id) => void (await call('DELETE', `/api/tickets/${id}/`)),
    async timesClosed(id) {
      const ticket = JSON.parse(await call('GET', `/api/tickets/${id}/`)) as {
        status: number;
        followup_set: { new_status: number }[];
      };
      const recorded = ticket.followup_set.filter(({ new_status: status }) => status === numbers['Closed']).length;
      // It stores the status before its history, which lacks it if it was killed between them (measured).
      return recorded === 0 && ticket.status === numbers['Closed'] ? 1 : recorded;
    },
    eventAbout: (id) => ({ ticket: { id: Number(id) }, queue_slug: 'support', followup_id: 1 }),
  };
}

/** `attach`: as a customer attaches a photo. */
export async function startRequestTracker(): Promise<
  LiveAgent & { attach: (id: string, file: Buffer) => Promise<void> }
> {
  const live = await startLive('request-tracker');
  const { url, token, stop } = live;
  const settings: SystemSettings = {
    ...usual,
    type: 'request-tracker',
    url,
    token,
    only: { queue: 'Support' },
    fields: {
      customer: 'Customer',
      serviceProblem: 'Service problem',
      severity: 'Severity',
      ticketType: 'Type',
      reference: 'Closeout',
    },
  };
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `token ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer.text();
  };
  return {
    stop,
    live,
    settings,
    wrongLogin: { ...settings, token: 'wrong' },
    others: { ...settings, only: { queue: 'General' } },
    keeps: ['severity', 'ticketType', 'customerId', 'serviceProblemId', 'contact'],
    listsStatuses: false,
    async setStatus(id, status) {
      const said = await call('PUT', `/ticket/${id}`, { Status: status });
      if (!said.includes('changed') && said !== '[]') throw new Error(said);
    },
    remove: async (id) => void (await call('DELETE', `/ticket/${id}`)),
    async attach(id, file) {
      const photo = { FileName: 'photo.jpg', FileType: 'image/jpeg', FileContent: file.toString('base64') };
      const comment = { Content: 'see below', ContentType: 'text/plain', Attachments: [photo] };
      await call('POST', `/ticket/${id}/comment`, comment);
    },
    async timesClosed(id) {
      const path = `/ticket/${id}/history?per_page=100&fields=Type,Field,NewValue`;
      const { items } = JSON.parse(await call('GET', path)) as { items: { Type: string; NewValue?: string }[] };
      return items.filter(({ Type, NewValue }) => Type === 'Status' && NewValue === 'closed').length;
    },
  };
}
