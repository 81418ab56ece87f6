/** What the paths are driven with. */
import type { Answer } from '../../../src/contract/survey.js';
import type { ScriptedSmtpServer } from '../../stack/scripted-smtp-server.js';
import type { Stack } from '../../stack/stack.js';

export interface Recording {
  stack: Stack;
  relay: ScriptedSmtpServer;
  /** The relay refuses our sender. */
  relayRefusesUs: boolean;
}

/** Name of the path → drives the report of that name, and leaves it where the path ends. */
export type Paths = Record<string, (id: string) => Promise<unknown>>;

export const eve = { by: 'eve' };
export const addressOf = (id: string) => `${id}@customers.example`;

/** Until the customer was asked. */
export async function ask({ stack }: Recording, id: string, ticketType = 'fault'): Promise<void> {
  await stack.open(id, { ticketType });
  await stack.signal(id, 'cleared');
  await stack.untilSurvey(id, 'sent');
}

export async function answer({ stack: { client } }: Recording, id: string, given: Answer): Promise<void> {
  const survey = await client.surveys.ofCycle(id, 1);
  await client.surveys.answer(survey?.id ?? '', given);
}

/** The mail of the first cycle comes back: the mailbox is full, or as said. */
export async function bounce({ stack: { client } }: Recording, id: string, status = '5.2.2'): Promise<void> {
  const survey = await client.surveys.ofCycle(id, 1);
  await client.incomingMail.receive({
    kind: 'deliveryReport',
    id,
    surveyIds: [survey?.id ?? ''],
    repliesAnswered: [],
    reports: [{ outcome: 'failed', status, recipient: undefined }],
  });
}
