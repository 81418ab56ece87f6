/**
 * What every adapter must do, against a system that is real and against the same one behind a proxy that makes it misbehave. Call it in a
 * test file of the adapter's own; docs/adapters.md explains it.
 */
import { CloseoutError, type ErrorCode } from '../../src/contract/errors.js';
import { connectSystem, type ConnectedSystem } from '../../src/systems/adapters.js';
import { moveTicket, noteOnce, type Move } from '../../src/systems/move.js';
import type { NewTicket, Ticket } from '../../src/systems/port.js';
import { stateOfWord } from '../../src/systems/words.js';
import { FaultyProxy, type ProxyFault } from '../stack/faulty-proxy.js';
import type { Agent } from './agents.js';

/** Small, so that a dozen tickets are several pages. */
const pageSize = 5;

let count = 0;
const unique = (): string => `ref-${process.pid}-${Date.now().toString(36)}-${++count}`;

export function conformance(name: string, start: () => Promise<Agent>): void {
  describe(`${name}, as an adapter`, () => {
    let agent: Agent;
    let proxy: FaultyProxy;
    let direct: ConnectedSystem;
    let faulty: ConnectedSystem;
    beforeAll(async () => {
      agent = await start();
      const { origin, pathname } = new URL(agent.settings.url);
      proxy = new FaultyProxy(origin);
      const path = pathname.replace(/\/$/, '');
      direct = connectSystem('desk', { ...agent.settings, rate: 1000 }, { pageSize });
      const url = `${await proxy.listen()}${path}`;
      faulty = connectSystem('desk', { ...agent.settings, rate: 1000, url }, { pageSize });
    });
    beforeEach(() => proxy.reset());
    afterAll(async () => {
      await proxy.close();
      await agent.stop?.();
    });

    const open = (more = {}) =>
      direct.system.open({ name: 'No dial tone', description: 'Line 3 is dead', reference: unique(), ...more });
    const read = async (id: string): Promise<Ticket> => {
      const ticket = await direct.system.read(id);
      if (!ticket) throw new Error(`ticket ${id} is gone`);
      return ticket;
    };
    const stateOf = async (id: string) => stateOfWord((await read(id)).status, direct.words);
    const cleared = async () => {
      const id = await open();
      await agent.setStatus(id, direct.words.cleared[0] ?? '');
      expect(await stateOf(id)).toBe('cleared');
      return id;
    };
    const close = (id: string, through = faulty, more: Partial<Move> = {}) =>
      moveTicket(through.system, through.words, id, {
        to: 'closed',
        from: 'cleared',
        marker: `closeout:desk-${id}:1:closed`,
        note: 'Closed by Closeout.',
        ...more,
      });
    const ownNotes = async (id: string) =>
      (await direct.system.notes(id)).filter((note) => note.includes('[closeout:'));

    test('check accepts valid settings and reports a wrong login, even if lists would be empty', async () => {
      expect(await direct.system.check()).toEqual([]);
      const stranger = connectSystem('desk', { ...agent.wrongLogin, rate: 1000 });
      const refused: { code: ErrorCode } = { code: 'SystemMisconfigured' };
      await expect(stranger.system.check()).rejects.toMatchObject(refused);
      await expect(stranger.system.changedSince(undefined)).rejects.toMatchObject(refused);
      await expect(stranger.system.listOpen()).rejects.toMatchObject(refused);
    });

    test('a status that it does not have is named', async () => {
      if (agent.listsStatuses === false) return;
      const other = connectSystem('desk', { ...agent.settings, rate: 1000, status: { closed: 'Shut' } });
      expect((await other.system.check()).join()).toContain('Shut');
    });

    test('a ticket is opened once per reference, and read as it was opened', async () => {
      const given = {
        description: 'Line 3 is dead',
        severity: 'major',
        ticketType: 'outage',
        customerId: 'C-1',
        serviceProblemId: 'SP-1',
        contact: { emailAddress: 'ann@customers.example' },
        reference: unique(),
      };
      const id = await open(given);
      expect(await open(given)).toBe(id);
      expect(await open({ ...given, reference: given.reference.slice(0, -1) })).not.toBe(id);
      const ticket = await read(id);
      expect(ticket).toMatchObject({
        id,
        ...Object.fromEntries(Object.entries(given).filter(([name]) => agent.keeps.includes(name as keyof NewTicket))),
      });
      expect(ticket.name).toContain('No dial tone');
      expect(await stateOf(id)).toBe('open');
    });

    test('tickets outside `only` are ignored', async () => {
      const id = await open();
      const { system } = connectSystem('desk', { ...agent.others, rate: 1000 });
      expect(await system.read(id)).toBeUndefined();
      expect((await system.listOpen()).map((ticket) => ticket.id)).not.toContain(id);
      expect((await system.changedSince(undefined)).tickets.map((ticket) => ticket.id)).not.toContain(id);
    });

    test('a cleared ticket is closed with one note, however often that is asked for, and reopened', async () => {
      const id = await cleared();
      expect((await close(id)).outcome).toBe('done');
      expect(await stateOf(id)).toBe('closed');
      await close(id);
      expect(await ownNotes(id)).toHaveLength(1);
      const reopened = {
        to: 'open',
        from: 'closed',
        marker: `closeout:desk-${id}:1:reopened`,
        note: 'Not fixed.',
      } as const;
      await close(id, faulty, reopened);
      expect(await stateOf(id)).toBe('open');
      expect(await ownNotes(id)).toHaveLength(2);
    });

    test('a ticket that was never resolved is closed, in two steps where that is needed', async () => {
      const id = await open();
      await close(id, faulty, { from: 'open' });
      expect(await stateOf(id)).toBe('closed');
    });

    test('what somebody has moved on meanwhile, or moved back after us, is left alone', async () => {
      const id = await cleared();
      await agent.setStatus(id, direct.words.reopened);
      expect(await close(id)).toMatchObject({ outcome: 'stale' });
      await agent.setStatus(id, direct.words.cleared[0] ?? '');
      await close(id);
      await agent.setStatus(id, direct.words.reopened);
      await agent.setStatus(id, direct.words.cleared[0] ?? '');
      expect(await close(id)).toMatchObject({ outcome: 'undone' });
      expect(await stateOf(id)).toBe('cleared');
    });

    test('a note is added once, as it was written, and changes nothing else', async () => {
      const id = await cleared();
      const text = 'Äußerst “zufrieden”: {{ ticket }} {% if %} {# gone #} <b>5</b> 😀 [closeout:x:1]';
      await noteOnce(faulty.system, id, 'closeout:x:1', text);
      await noteOnce(faulty.system, id, 'closeout:x:1', text);
      const notes = await ownNotes(id);
      expect(notes).toHaveLength(1);
      // Characters that nobody sees may have been put in so that it is no template.
      expect(notes[0]?.replaceAll('\u200b', '')).toContain(text);
      expect(await stateOf(id)).toBe('cleared');
    });

    const html = { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad gateway</html>' };
    const faults: [string, ProxyFault][] = [
      ['a 503', { instead: { status: 503 } }],
      ['a 429', { instead: { status: 429, headers: { 'retry-after': '0' } } }],
      ['an error page', { instead: html }],
      ['a page answered with 200', { instead: { ...html, status: 200 } }],
      ['a conflict', { instead: { status: 409 } }],
      ['a failed precondition', { instead: { status: 412 } }],
      ['a line that drops after the change', { after: 'drop' }],
      ['a 500 after the change', { after: { status: 500, body: 'oops' } }],
    ];
    /** Does something with the fault at its first write, then at its second, until there is no further write. */
    const atEveryWrite = async (fault: ProxyFault, work: () => Promise<void>) => {
      for (let nth = 1, isHit = true; isHit; nth++) {
        proxy.reset();
        isHit = false;
        let writes = 0;
        proxy.fault = ({ method }) => {
          if (method === 'GET' || ++writes !== nth) return undefined;
          isHit = true;
          return fault;
        };
        await work();
      }
    };

    test.each(faults)('after %s, one more attempt closes it once, with one note', async (_what, fault) => {
      await atEveryWrite(fault, async () => {
        const id = await cleared();
        await close(id).catch(expectTemporary);
        await close(id);
        expect([await stateOf(id), (await ownNotes(id)).length]).toEqual(['closed', 1]);
      });
    });

    test.each(faults)('after %s, one more attempt opens it once', async (_what, fault) => {
      await atEveryWrite(fault, async () => {
        const reference = unique();
        const ticket = { name: `Dead line ${reference}`, description: 'Line 3 is dead', reference };
        await faulty.system.open(ticket).catch(expectTemporary);
        const id = await faulty.system.open(ticket);
        const found = (await direct.system.listOpen()).filter(({ name }) => name.includes(reference));
        expect([...new Set(found.map((each) => each.id))]).toEqual([id]);
      });
    });

    test.each([200, 201, 204])(
      'a change that is answered with %i and ignored is refused, not believed',
      async (status) => {
        const id = await cleared();
        const headers = { 'content-type': 'application/json' };
        const body = status === 204 ? '' : '["done"]';
        proxy.fault = ({ method }) => (method === 'GET' ? undefined : { instead: { status, headers, body } });
        await expect(close(id)).rejects.toMatchObject({ code: 'SystemRefused' satisfies ErrorCode });
        expect(await stateOf(id)).toBe('cleared');
      },
    );

    test('reading fails when there is no usable answer', async () => {
      const id = await open();
      proxy.fault = () => ({ instead: { status: 503 } });
      await expect(faulty.system.read(id)).rejects.toMatchObject({ code: 'SystemUnavailable' satisfies ErrorCode });
      await expect(faulty.system.changedSince(undefined)).rejects.toThrow(CloseoutError);
      proxy.fault = () => ({ instead: { status: 404 } }); // of a proxy without a route
      await expect(faulty.system.read(id)).rejects.toMatchObject({ code: 'SystemUnavailable' satisfies ErrorCode });
    });

    /** Everything since a cursor. */
    const changes = async (cursor: string | undefined) => {
      const seen = new Map<string, string>();
      for (;;) {
        const page = await faulty.system.changedSince(cursor);
        for (const { id, status } of page.tickets) seen.set(id, status);
        ({ cursor } = page);
        if (!page.hasMore) return { seen, cursor };
      }
    };
    const several = () => Promise.all(Array.from({ length: 3 * pageSize }, () => open()));

    /** Each is done before another page is read. */
    const betweenPages = (...steps: (() => Promise<void>)[]) => {
      const { isList = (path: string) => /[?&](per_page|page_size|limit)=/.test(path) } = agent;
      let lists = 0;
      proxy.before = async (request) => {
        if (request.method === 'GET' && isList(request.path) && lists++ > 0) await steps.shift()?.();
      };
      return () => (steps.length === 0 ? 'all pages' : 'too few pages: does isList know them?');
    };

    test('what changed since a cursor is listed, whatever moves while pages are read', async () => {
      const first = await open();
      const { cursor } = await changes(undefined);
      const ids = await several();
      await agent.setStatus(first, direct.words.cleared[0] ?? '');
      const between = betweenPages(
        () => direct.system.addNote(ids[0] ?? '', 'moves to the end'),
        () => direct.system.addNote(ids[1] ?? '', 'so does this'),
      );
      const { seen } = await changes(cursor);
      for (const id of [first, ...ids]) expect([...seen.keys()]).toContain(id);
      expect(stateOfWord(seen.get(first) ?? '', direct.words)).toBe('cleared');
      expect(between()).toBe('all pages');
    });

    test('every open ticket is listed, and none that has ended, whatever ends while pages are read', async () => {
      const [closed, cancelled, last] = [await open(), await open(), await open()];
      await close(closed, direct, { from: 'open' });
      await agent.setStatus(cancelled, direct.words.cancelled[0] ?? '');
      const [ending, leaving, ...ids] = await several();
      const between = betweenPages(
        () => close(ending ?? '', direct, { from: 'open' }).then(() => undefined),
        () => agent.remove?.(leaving ?? '') ?? Promise.resolve(),
      );
      const listed = new Map((await faulty.system.listOpen()).map((ticket) => [ticket.id, ticket]));
      expect([...listed.keys()]).toEqual(expect.arrayContaining([last, ...ids]));
      for (const id of [closed, cancelled]) expect([...listed.keys()]).not.toContain(id);
      expect(listed.get(last)).toEqual(await read(last));
      expect(between()).toBe('all pages');
    });

    test('read returns undefined for a deleted or unknown ticket', async () => {
      expect(await direct.system.read('999999999')).toBeUndefined();
      if (!agent.remove) return;
      const id = await open();
      await agent.remove(id);
      expect(await direct.system.read(id)).toBeUndefined();
      expect(await close(id)).toMatchObject({ ticket: undefined, outcome: 'stale' });
    });

    test('an event names its ticket; anything else names none', async () => {
      const id = await open();
      if (agent.eventAbout) expect(direct.system.ticketsIn(agent.eventAbout(id))).toEqual([id]);
      for (const event of [undefined, null, 'x', {}, { ticket: {} }, []])
        expect(direct.system.ticketsIn(event)).toEqual([]);
    });
  });
}

function expectTemporary(error: unknown): void {
  expect(error).toMatchObject({ code: 'SystemUnavailable' satisfies ErrorCode });
}
