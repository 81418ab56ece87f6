/** Reports whose customers must confirm before the closing (MEF 124). */
import type { NewReport, Phase, RunStatus } from '../../src/contract/reports.js';
import type { SeenMail } from './mail.js';
import { quietNow } from './quiet-hours.js';
import type { Stack } from './stack.js';

export const confirmationPolicy = `
default:
  confirmation: { window: 1h, warnBefore: null, businessHours: null }
  survey: { contactCap: null }
rules:
  - when: { ticketType: brief }
    confirmation: { window: 10s, warnBefore: 6s }
  - when: { ticketType: briefUnrated }
    confirmation: { window: 1s }
    survey: { enabled: false }
  - when: { ticketType: unrated }
    survey: { enabled: false }
  - when: { severity: critical }
    confirmation: { window: 1s, onSilence: hold }
  - when: { ticketType: patient }
    holdDown: 6s
  - when: { ticketType: quiet }
    survey: { quietHours: ${JSON.stringify(quietNow())} }
  - when: { ticketType: unasked }
    confirmation: null
`;

export function confirmLink({ text = '' }: SeenMail, fixed: 'yes' | 'no' = 'yes'): string {
  const link = text.match(/http:\S+\/c\/\S+/g)?.find((found) => found.endsWith(`?fixed=${fixed}`));
  if (!link) throw new Error('no link in the mail');
  return link;
}

/** Opens and clears a report, and waits until its customer was asked. Returns the mail. */
export async function askToConfirm(stack: Stack, id: string, report: Partial<NewReport> = {}): Promise<SeenMail> {
  await stack.open(id, report);
  await stack.client.clear(id);
  const [mail] = await stack.untilMails(id, 1);
  if (!mail) throw new Error(`no mail about ${id}`);
  // A short window may be over by now.
  const isAsked = ({ phase, confirmation, until }: RunStatus) =>
    phase === 'confirming' ? confirmation === 'sent' && until !== undefined : afterAsking.includes(phase);
  await stack.untilStatus(id, 'asked to confirm', isAsked);
  return mail;
}

const afterAsking: Phase[] = ['needsAttention', 'surveying', 'done'];
