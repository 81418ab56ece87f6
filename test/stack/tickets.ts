/** Calls of the TMF621 API. */
import type { Stack } from './stack.js';

export const ticketPath = '/tmf-api/troubleTicket/v4/troubleTicket';

export type Ticket = Record<string, unknown> & { id: string };

interface Answer {
  status: number;
  headers: Headers;
  body: Ticket;
}

export type Request = [method: string, path: string, body?: unknown, headers?: Record<string, string>];

/** `body`: a string is sent as it is, anything else as JSON. */
export async function callApi(stack: Stack, ...[method, path, body, headers]: Request): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const type: Record<string, string> = text === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(stack.url(path), { method, headers: { ...type, ...headers }, body: text ?? null });
  return { status: answer.status, headers: answer.headers, body: (await answer.json().catch(() => ({}))) as Ticket };
}

export const ticket = (more: object = {}) => ({
  description: 'No dial tone',
  severity: 'Critical',
  ticketType: 'Service Assurance',
  relatedContactInformation: [
    { role: 'reporterContact', name: 'Bea', emailAddress: 'bea@customers.example', timeZone: 'Europe/Berlin' },
  ],
  relatedParty: [{ id: 'C-77', role: 'customer', '@referredType': 'Customer' }],
  relatedEntity: [{ id: 'SP-9', role: 'serviceProblem', '@referredType': 'ServiceProblem' }],
  ...more,
});
