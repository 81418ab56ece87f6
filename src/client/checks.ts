/** Checks of what callers give to the client. Each throws `BadInput` that names the field and what is allowed. */
import { randomUUID } from 'node:crypto';
import {
  emailAddressPattern,
  emailAddressRule,
  isTimeZone,
  languageTagPattern,
  languageTagRule,
  timeZoneRule,
  type Contact,
} from '../contract/contact.js';
import { CloseoutError } from '../contract/errors.js';
import { reportIdPattern, reportIdRule } from '../contract/ids.js';
import type { NewReport, ReportChanges } from '../contract/reports.js';
import { isStorable, maxAuthorLength } from '../contract/text.js';
import { isTime, maxClockSkew, timeRule } from '../contract/time.js';
import { now } from '../outside/database/clock.js';

function assert(isValid: boolean, field: string, rule: string): void {
  if (!isValid) throw new CloseoutError('BadInput', `${field} ${rule}.`, field);
}

const assertReportId = (id: string): void => assert(reportIdPattern.test(id), 'id', reportIdRule);

export const assertTime = (time: string, field: string): void => assert(isTime(time), field, timeRule);

/** The author and the id of a change, as its run remembers them. */
export function assertSigned({ by, openedBy, id }: { by?: string; openedBy?: string; id?: string }): void {
  const rule = `must be at most ${maxAuthorLength} characters of Unicode, without U+0000`;
  for (const [field, text] of Object.entries({ by, openedBy, id }))
    if (text !== undefined) assert(text.length <= maxAuthorLength && isStorable(text), field, rule);
}

export function assertPast(time: string, field: string): void {
  assertTime(time, field);
  assert(Date.parse(time) <= now().getTime() + maxClockSkew, field, 'must not be in the future');
}

const assertDescription = (text: string): void =>
  assert(text.trim() !== '' && text.length <= 10_000, 'description', 'must be 1 to 10,000 characters');

/** As long as Temporal's search attributes may be. */
function assertIds({ customerId, serviceProblemId }: { customerId?: string | null; serviceProblemId?: string | null }) {
  const rule = 'must be 1 to 255 characters';
  for (const [field, id] of Object.entries({ customerId, serviceProblemId }))
    if (id !== undefined && id !== null) assert(id.length >= 1 && id.length <= 255, field, rule);
}

/** What may be changed of a report. */
export function assertChanges(changes: ReportChanges): void {
  const { description, contact } = changes;
  if (description !== undefined) assertDescription(description);
  assertIds(changes);
  if (contact) assertContact(contact);
}

function assertContact({ emailAddress, preferredLanguage, timeZone }: Contact): void {
  if (emailAddress !== undefined) assert(emailAddressPattern.test(emailAddress), 'emailAddress', emailAddressRule);
  if (preferredLanguage !== undefined)
    assert(languageTagPattern.test(preferredLanguage), 'preferredLanguage', languageTagRule);
  if (timeZone !== undefined) assert(isTimeZone(timeZone), 'timeZone', timeZoneRule);
}

/** A new report, with an id. */
export function checkedOpening(report: NewReport): NewReport & { id: string } {
  const { id = randomUUID(), contact, openedAt, openedBy } = report;
  assertReportId(id);
  assertSigned({ openedBy });
  assertIds(report);
  if (contact) assertContact(contact);
  assertDescription(report.description);
  if (openedAt !== undefined) assertPast(openedAt, 'openedAt');
  return { ...report, id };
}
