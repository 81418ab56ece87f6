/** Real ticket systems, and what their agents do in them. */
import type { SystemSettings } from '../../src/setup/systems-file.js';
import type { Agent } from './conformance.js';
import { startLive, type Live } from './live.js';

/** Live, and as its agents use it. */
export type LiveAgent = Agent & Pick<Live, 'stop'>;

const usual = { status: {}, poll: 1000, rate: 1000, writeBack: { closing: true, answer: true } };

export async function startRedmine(): Promise<LiveAgent> {
  const live = await startLive('redmine');
  const { url, token, stop } = live;
  const settings: SystemSettings = {
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
    ...usual,
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
    settings,
    wrongLogin: { ...settings, token: 'wrong' },
    async setStatus(id, status) {
      const found = statuses.issue_statuses.find(({ name }) => name === status);
      await call('PUT', `/issues/${id}.json`, { issue: { status_id: found?.id } });
    },
    remove: async (id) => void (await call('DELETE', `/issues/${id}.json`)),
  };
}

export async function startHelpdesk(): Promise<LiveAgent> {
  const live = await startLive('django-helpdesk');
  const { url, token, stop } = live;
  const settings: SystemSettings = {
    type: 'django-helpdesk',
    url,
    token,
    only: { queue: '1' },
    fields: {},
    ...usual,
  };
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Token ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
  };
  const numbers: Record<string, number> = { Open: 1, Reopened: 2, Resolved: 3, Closed: 4, Duplicate: 5 };
  return {
    stop,
    settings,
    wrongLogin: { ...settings, token: 'wrong' },
    setStatus: (id, status) => call('PATCH', `/api/tickets/${id}/`, { status: numbers[status] }),
    remove: (id) => call('DELETE', `/api/tickets/${id}/`),
    eventAbout: (id) => ({ ticket: { id: Number(id) }, queue_slug: 'support', followup_id: 1 }),
  };
}

export async function startRequestTracker(): Promise<LiveAgent> {
  const live = await startLive('request-tracker');
  const { url, token, stop } = live;
  const settings: SystemSettings = {
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
    ...usual,
  };
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `token ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer.text();
  };
  return {
    stop,
    settings,
    wrongLogin: { ...settings, token: 'wrong' },
    listsStatuses: false,
    async setStatus(id, status) {
      const said = await call('PUT', `/ticket/${id}`, { Status: status });
      if (!said.includes('changed') && said !== '[]') throw new Error(said);
    },
    remove: async (id) => void (await call('DELETE', `/ticket/${id}`)),
  };
}
