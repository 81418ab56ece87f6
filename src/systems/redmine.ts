/**
 * Redmine 5 (docs/systems.md). Quirks: a forbidden status is answered with 204 and only the note is saved; a
 * wrong key lists nothing with 200; times are whole seconds; there are no events.
 */
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { hour } from '../policy/time.js';
import { hidden, Http, parsed } from './http.js';
import { everyPage, isFirstPoll, pageOfPoll, secondAfter, type Listing } from './pages.js';
import type { AdapterSettings, Changes, NewTicket, SystemOfRecord, Ticket } from './port.js';
import { titleWith } from './title.js';
import { meansEnded, missingStatuses, type StatusWords } from './words.js';

export const redmineWords: StatusWords = {
  cleared: ['Resolved'],
  closed: 'Closed',
  cancelled: ['Rejected'],
  reopened: 'In Progress',
};

const maxSubjectLength = 255;
const named = z.looseObject({ id: z.number(), name: z.string() });
const account = z.looseObject({
  admin: z.boolean().default(false),
  memberships: z.array(z.looseObject({ project: named, roles: z.array(named) })).default([]),
});
const role = z.looseObject({ permissions: z.array(z.string()) });
const issue = z.looseObject({
  id: z.number(),
  project: named,
  subject: z.string(),
  description: z.string().nullish(),
  status: named,
  priority: named.optional(),
  tracker: named.optional(),
  created_on: z.string(),
  updated_on: z.string(),
  custom_fields: z.array(z.looseObject({ id: z.number(), name: z.string(), value: z.unknown() })).default([]),
  journals: z.array(z.looseObject({ notes: z.string().nullish() })).default([]),
});
type Issue = z.infer<typeof issue>;
const page = z.looseObject({ issues: z.array(issue) });

/** `only.project`: identifier of the project. `fields`: names of custom fields (systems-file.ts). */
export class Redmine implements SystemOfRecord {
  private readonly http: Http;
  private readonly fields: Record<string, string>;
  private readonly project: string | undefined;
  private readonly pageSize: number;
  private readonly writesClosingNotes: boolean;
  /** Where notes can be private, and when that was read, by `performance.now()`; undefined projects: everywhere. */
  private privacy: { projects?: Set<number>; readAt: number } | undefined;

  constructor(
    { url, token = '', only, fields, writeBack, pace, pageSize }: AdapterSettings,
    private readonly words: StatusWords,
  ) {
    this.http = new Http({ url, pace, headers: () => ({ 'x-redmine-api-key': token }) });
    this.fields = fields;
    this.project = only['project'];
    this.pageSize = pageSize;
    this.writesClosingNotes = writeBack.closing;
  }

  async check(): Promise<string[]> {
    await this.logIn();
    const faults = missingStatuses(this.words, [...(await this.statusIds()).keys()]);
    const recent = await this.list('&status_id=*');
    const [newest] = recent;
    const fields = new Map(recent.flatMap((each) => [...idsOf(each)])); // each tracker has its own
    for (const name of Object.values(this.fields))
      if (fields.size > 0 && !fields.has(name)) faults.push(`Issues have no custom field ${name}.`);
    const reference = fields.get(this.fields['reference'] ?? '');
    if (reference !== undefined && (await this.list(`&status_id=*&limit=1&cf_${reference}=none-has-this`)).length > 0)
      faults.push(`The custom field ${this.fields['reference']} is not a filter: set "Used as a filter".`);
    if (newest && !(await this.canHideNotes(newest))) faults.push(publicNotes(newest));
    return faults;
  }

  /** What the list does not have is gone, in another project, or hidden by a wrong key, which only the single issue says. */
  async read(id: string): Promise<Ticket | undefined> {
    if (!/^\d+$/.test(id)) return undefined;
    const listed = await this.listed(id);
    if (listed) return this.toTicket(listed);
    await this.find(id);
    return undefined;
  }

  private async listed(id: string): Promise<Issue | undefined> {
    const rows = await this.list(`&status_id=*&issue_id=${id}`);
    return rows.find((found) => `${found.id}` === id);
  }

  async changedSince(cursor: string | undefined): Promise<Changes> {
    await this.logIn();
    const { rows, ...page } = await pageOfPoll(cursor, this.listing(isFirstPoll(cursor) ? 'open' : '*', 'updated_on'));
    return { ...page, tickets: rows.map((row) => this.toTicket(row)) };
  }

  /** By the time of creation, which never changes. */
  async listOpen(): Promise<Ticket[]> {
    await this.logIn();
    const rows = await everyPage(this.listing('open', 'created_on'));
    return rows.map((row) => this.toTicket(row)).filter(({ status }) => !meansEnded(status, this.words));
  }

  async move(id: string, status: string): Promise<void> {
    const target = (await this.statusIds()).get(status.toLowerCase());
    if (target === undefined) throw new CloseoutError('SystemRefused', `Redmine has no status ${status}.`);
    // Before anything is changed.
    if (this.writesClosingNotes) await this.assertNotesArePrivate(id);
    // Never with a note: if the status is forbidden, only the note would be saved.
    await this.http.send('PUT', issuePath(id), { issue: { status_id: target } });
  }

  async notes(id: string): Promise<string[]> {
    const found = await this.find(id, '?include=journals');
    return found?.journals.flatMap(({ notes }) => notes || []) ?? [];
  }

  async addNote(id: string, text: string): Promise<void> {
    await this.assertNotesArePrivate(id);
    await this.http.send('PUT', issuePath(id), { issue: { notes: text, private_notes: true } });
  }

  async open({ name, description, contact, ...about }: NewTicket): Promise<string> {
    const { reference } = about;
    const ids = idsOf(await this.newest());
    const known = ids.get(this.fields['reference'] ?? '');
    const wanted = encodeURIComponent(reference);
    // The fields are known once there is an issue; the subject of the first one holds the reference.
    const byField = known === undefined ? [] : await this.list(`&status_id=*&cf_${known}=${wanted}`);
    const bySubject = await this.list(`&status_id=*&subject=~${wanted}`);
    const before = [...byField, ...bySubject].find(
      (found) => this.valueOf(found, 'reference') === reference || found.subject.includes(`[${reference}]`),
    );
    const values = { ...about, serviceProblem: about.serviceProblemId, customer: about.customerId };
    const customWith = (fields: Map<string, number>) =>
      Object.entries({ ...values, email: contact?.emailAddress })
        .map(([field, value]) => ({ id: fields.get(this.fields[field] ?? ''), value }))
        .filter(({ id, value }) => id !== undefined && value !== undefined);
    /** The newest issue may be of another tracker, with other fields; an earlier attempt may have ended before this. */
    const fillIn = async (found: Issue): Promise<string> => {
      const unset = customWith(idsOf(found)).filter(
        ({ id }) => valueIn(found.custom_fields.find((each) => each.id === id)) === undefined,
      );
      if (unset.length > 0) await this.http.send('PUT', issuePath(`${found.id}`), { issue: { custom_fields: unset } });
      return `${found.id}`;
    };
    if (before) return fillIn(before);
    const subject = known === undefined ? titleWith(name, reference, maxSubjectLength) : name;
    const { body } = await this.http.send('POST', '/issues.json', {
      issue: { project_id: this.project, subject, description, custom_fields: customWith(ids) },
    });
    return fillIn(parsed(z.object({ issue }), body).issue);
  }

  /** It sends none. */
  ticketsIn(): string[] {
    return [];
  }

  /** A wrong key sees an empty list, but is refused here. */
  private async logIn(): Promise<void> {
    await this.http.get('/users/current.json');
  }

  private async assertNotesArePrivate(id: string): Promise<void> {
    const found = await this.find(id);
    if (found && !(await this.canHideNotes(found))) throw new CloseoutError('SystemMisconfigured', publicNotes(found));
  }

  /** Where a role lacks the permission, Redmine ignores `private_notes`, and mails the note to everybody who watches the issue. */
  private async canHideNotes({ project }: Issue): Promise<boolean> {
    if (!this.privacy || performance.now() - this.privacy.readAt > hour) this.privacy = await this.readPrivacy();
    const { projects } = this.privacy;
    const isPrivate = !projects || projects.has(project.id);
    if (!isPrivate) this.privacy = undefined; // an operator may be about to correct it
    return isPrivate;
  }

  private async readPrivacy(): Promise<{ projects?: Set<number>; readAt: number }> {
    const readAt = performance.now();
    const { body } = await this.http.get('/users/current.json?include=memberships');
    const { admin, memberships } = parsed(z.object({ user: account }), body).user;
    if (admin) return { readAt };
    const hiding = new Set<number>();
    for (const id of new Set(memberships.flatMap(({ roles }) => roles.map((each) => each.id)))) {
      const answer = await this.http.get(`/roles/${id}.json`);
      if (parsed(z.object({ role }), answer.body).role.permissions.includes('set_notes_private')) hiding.add(id);
    }
    const hidden = memberships.filter(({ roles }) => roles.some(({ id }) => hiding.has(id)));
    return { projects: new Set(hidden.map(({ project }) => project.id)), readAt };
  }

  private async find(id: string, include = ''): Promise<Issue | undefined> {
    const { status, body } = await this.http.get(`${issuePath(id)}${include}`, { accepts: [403, 404] });
    if (status === 403) throw hidden(id);
    if (status !== 404) return parsed(z.object({ issue }), body).issue;
    // A proxy without a route answers 404, too.
    if (await this.listed(id)) throw new CloseoutError('SystemUnavailable', `Issue ${id} is listed, but not found.`);
    return undefined;
  }

  private listing(status: 'open' | '*', time: 'updated_on' | 'created_on'): Listing<Issue> {
    const filter = (range?: string) => `&status_id=${status}${range ? `&${time}=${encodeURIComponent(range)}` : ''}`;
    return {
      pageSize: this.pageSize,
      timeOf: (row) => row[time],
      idOf: (row) => row.id,
      from: (at) => this.list(`${filter(at && `>=${at}`)}&sort=${time}:asc,id:asc`),
      inSecond: (at, id) =>
        this.list(`${filter(`><${at}|${secondAfter(at)}`)}&issue_id=${encodeURIComponent(`>=${id + 1}`)}&sort=id:asc`),
    };
  }

  private async list(filter: string): Promise<Issue[]> {
    const project = this.project ? `&project_id=${encodeURIComponent(this.project)}` : '';
    const { body } = await this.http.get(`/issues.json?limit=${this.pageSize}${filter}${project}`);
    return parsed(page, body).issues;
  }

  private async statusIds(): Promise<Map<string, number>> {
    const { body } = await this.http.get('/issue_statuses.json');
    const { issue_statuses: all } = parsed(z.object({ issue_statuses: z.array(named) }), body);
    return new Map(all.map(({ id, name }) => [name.toLowerCase(), id]));
  }

  /** It has every custom field of its tracker; only an administrator may list those of all. */
  private async newest(): Promise<Issue | undefined> {
    const [first] = await this.list('&status_id=*&limit=1');
    return first;
  }

  private valueOf(found: Issue, field: string): string | undefined {
    return valueIn(found.custom_fields.find(({ name }) => name === this.fields[field]));
  }

  private toTicket(found: Issue): Ticket {
    const valueOf = (field: string) => this.valueOf(found, field);
    const emailAddress = valueOf('email');
    return {
      id: `${found.id}`,
      status: found.status.name,
      name: found.subject,
      description: found.description || undefined,
      severity: valueOf('severity') ?? found.priority?.name,
      ticketType: valueOf('ticketType') ?? found.tracker?.name,
      customerId: valueOf('customer'),
      serviceProblemId: valueOf('serviceProblem'),
      contact: emailAddress === undefined ? undefined : { emailAddress },
      openedAt: new Date(found.created_on),
    };
  }
}

const publicNotes = ({ project }: Issue): string =>
  `Notes would be public in the project ${project.name}: the user has no role there with the permission "Set notes as private".`;

const idsOf = (found: Issue | undefined): Map<string, number> =>
  new Map(found?.custom_fields.map(({ id, name }) => [name, id]));

/** The first one of a field that may have several. */
const valueIn = (field: Issue['custom_fields'][number] | undefined): string | undefined =>
  [field?.value].flat().find((value): value is string => typeof value === 'string' && value !== '');

const issuePath = (id: string): string => `/issues/${encodeURIComponent(id)}.json`;
