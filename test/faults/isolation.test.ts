/** A part that hangs, instead of refusing, holds up only what needs it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { loadConfig } from '../../src/setup/config.js';
import { freePorts } from '../stack/commands.js';
import { inParallel } from '../stack/in-parallel.js';
import { ScriptedSmtpServer } from '../stack/scripted-smtp-server.js';
import { brokenInvariants } from '../stack/invariants.js';
import { openSession } from '../stack/session.js';
import { retryNow } from '../stack/retry-now.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const policy = 'default:\n  survey: { contactCap: null }\n';

describe('a relay that accepts connections and never says a word', () => {
  let hangs = true;
  const relay = new ScriptedSmtpServer((to, attempt) => {
    if (to.startsWith('dot') && attempt < 2) return { afterDot: 'hang' };
    return hangs ? { greeting: 'hang' } : {};
  });
  let stack: Stack;
  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    await relay.listen(port);
    stack = await Stack.start({ policy, env: { SMTP_URL: `smtp://127.0.0.1:${port}` } });
  });
  afterAll(async () => {
    await stack.end();
    await relay.close();
  });

  test('120 mails wait, and the next report is closed all the same', async () => {
    const ids = Array.from({ length: 120 }, (_, n) => `HANG-${n}`);
    await inParallel(ids, (id) => stack.open(id));
    await inParallel(ids, (id) => stack.client.clear(id));
    await until('all to be closed', async () => {
      const [row] = await stack.sql<{ count: string }>("select count(*) from reports where status = 'closed'");
      return Number(row?.count) >= ids.length;
    });
    const next = await stack.open('NEXT-1');
    await stack.client.clear(next);
    await until('the next to be closed', async () => (await stack.client.get(next)).status === 'closed', 40_000);
    expect(relay.taken).toEqual([]);
    // The sweep takes no run for stuck whose mail only waits.
    const waits = "select from reports where id like 'HANG-%' and expected_at > now() + interval '1 hour'";
    await until('the mails to wait for their turn', async () => (await stack.sql(waits)).length >= 90);
  });

  test('once it is down for a while, a mail is not tried again and again, and goes out when it answers', async () => {
    const attemptsOf = async (id: string) => {
      const { raw } = await stack.temporal.workflow.getHandle(`problem-report:${id}`).describe();
      return raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'sendSurvey')?.attempt ?? 0;
    };
    await until('it to be tried', async () => (await attemptsOf('HANG-1')) >= 2);
    hangs = false;
    await retryNow(stack, 'HANG-1');
    await stack.untilSurvey('HANG-1', 'sent');
    expect(relay.to('hang-1@customers.example')).toHaveLength(1);
  });

  test('a mail without a final reply from the relay is sent again unchanged and does not delay others', async () => {
    const copies = () => relay.to('dot-1@customers.example');
    for (const id of ['DOT-1', 'NEXT-2']) await stack.client.clear(await stack.open(id));
    await stack.untilSurvey('NEXT-2', 'sent');
    await until('the first', () => copies().length > 0);
    await until('the second', () => copies().length > 1, 240_000); // an answer is waited for two minutes
    await stack.untilSurvey('DOT-1', 'sent');
    expect(new Set(copies()).size).toBe(1);
  }, 400_000);

  test('no report, mail or answer was lost or duplicated', async () => {
    await until(
      'every mail',
      async () => {
        const rows = await stack.sql("select id from surveys where state <> 'sent'");
        return rows.length === 0;
      },
      360_000,
    ); // attempts are up to five minutes apart
    expect(await brokenInvariants(stack, { mailsOf: () => relay.mails() })).toEqual([]);
  }, 400_000);
});

describe('a session that hangs in the database', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start({ policy });
  });
  afterAll(() => stack.end());

  test("a lock on one customer's row blocks no closing, and no survey of other customers", async () => {
    const own = Array.from({ length: 30 }, (_, n) => `LOCK-${n}`);
    for (const id of own) await stack.open(id, { customerId: 'locked' });
    const session = await openSession(stack);
    await session.query("begin; select * from customers where id = 'locked' for update");
    await inParallel(own, (id) => stack.client.clear(id));
    await until('all to be closed', async () => {
      const reports = await Promise.all(own.map((id) => stack.client.get(id)));
      return reports.every(({ status }) => status === 'closed');
    });
    await stack.open('FREE-1');
    await stack.client.clear('FREE-1');
    await stack.untilSurvey('FREE-1', 'sent');
    expect((await stack.client.status(own[0] ?? '')).survey.state).toBe('none');
    await session.query('rollback');
    await session.end();
    for (const id of own) await stack.untilSurvey(id, 'sent');
  });
});

/** Forwards to PostgreSQL, once it has dropped `refusals` connections. After `freeze`, those it has say nothing any more, and new ones work. */
class FaultyProxy {
  private readonly pairs: Socket[][] = [];
  private server: Server | undefined;

  constructor(private refusals = 0) {}

  /** Returns `databaseUrl` by way of the proxy. */
  async before(databaseUrl: string): Promise<string> {
    const url = new URL(databaseUrl);
    const to = Number(url.port);
    this.server = createServer((socket) => this.forward(socket, to)).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    url.port = `${(this.server.address() as AddressInfo).port}`;
    return url.href;
  }

  freeze(): number {
    const open = this.pairs.filter(([socket]) => socket && !socket.destroyed);
    for (const [socket, upstream] of open) {
      socket?.unpipe().pause();
      upstream?.unpipe().pause();
    }
    return open.length;
  }

  async close(): Promise<void> {
    for (const socket of this.pairs.flat()) socket.destroy();
    await new Promise((closed) => (this.server ? this.server.close(closed) : closed(undefined)));
  }

  private forward(socket: Socket, to: number): void {
    if (this.refusals-- > 0) return void socket.destroy();
    const upstream = connect(to, '127.0.0.1');
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream]) end.on('error', () => undefined);
    this.pairs.push([socket, upstream]);
  }
}

describe('a database behind a faulty network', () => {
  let database: Stack;
  beforeAll(async () => {
    database = await Stack.start({ policy });
  });
  afterAll(() => database.end());
  const databaseUrl = () => loadConfig({ ...database.env }).databaseUrl;

  test('a gateway that starts before its database waits for it', async () => {
    const proxy = new FaultyProxy(2);
    const { moved, end } = await database.secondGateway({ DATABASE_URL: await proxy.before(databaseUrl()) });
    try {
      expect((await fetch(moved(database.url('/readyz')))).status).toBe(200);
    } finally {
      await end();
      await proxy.close();
    }
  });

  test('connections that were lost without a word are replaced', async () => {
    const proxy = new FaultyProxy();
    const stack = await Stack.start({ policy, env: { DATABASE_URL: await proxy.before(databaseUrl()) } });
    try {
      const ids = Array.from({ length: 30 }, (_, n) => `HALF-${n}`);
      for (const id of ids) await stack.open(id);
      for (const id of ids) await stack.untilPhase(id, 'open', 1);
      expect(proxy.freeze()).toBeGreaterThan(0);
      await Promise.all(ids.map((id) => stack.signal(id, 'cleared')));
      await until('all to be closed', async () => {
        const rows = await database.sql("select id from reports where id like 'HALF-%' and status = 'closed'");
        return rows.length === ids.length;
      });
    } finally {
      await stack.end();
      await proxy.close();
    }
  });
});
