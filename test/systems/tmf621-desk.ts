/** The whole of Closeout with tickets that live in a TMF621 system, between the two a proxy that can fail. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultyProxy } from '../stack/faulty-proxy.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { Tmf621Server } from './tmf621-server.js';

export class Tmf621Desk {
  private count = 0;

  private constructor(
    readonly server: Tmf621Server,
    readonly proxy: FaultyProxy,
    readonly stack: Stack,
  ) {}

  static async start(policy: string): Promise<Tmf621Desk> {
    const server = new Tmf621Server('v4');
    const origin = await server.listen();
    const proxy = new FaultyProxy(origin);
    const path = join(await mkdtemp(join(tmpdir(), 'closeout-test-tmf621-')), 'systems.yaml');
    const desk = {
      type: 'tmf621',
      url: `${await proxy.listen()}/tmf-api/troubleTicket/v4`,
      oauth: { tokenUrl: `${origin}/token`, clientId: 'closeout', clientSecret: { env: 'DESK_SECRET' } },
      poll: '1s',
      rate: '500/s',
    };
    await writeFile(path, JSON.stringify({ systems: { desk } }));
    const stack = await Stack.start({ policy, env: { CLOSEOUT_SYSTEMS: path, DESK_SECRET: 'secret' } });
    return new Tmf621Desk(server, proxy, stack);
  }

  async end(): Promise<void> {
    await this.stack.end();
    await this.proxy.close();
    await this.server.close();
  }

  /** A ticket of a customer of its own, once Closeout knows it. */
  async ticket(ticketType = 'incident'): Promise<{ ticketId: string; id: string }> {
    const n = ++this.count;
    const ticketId = this.server.open({
      name: `No dial tone ${n}`,
      description: 'Line 3',
      severity: 'major',
      ticketType,
      relatedParty: [{ id: `C-${n}`, role: 'customer' }],
      relatedContactInformation: [{ role: 'reporterContact', emailAddress: `ann-${n}@customers.example` }],
    });
    return { ticketId, id: await this.known(ticketId) };
  }

  /** The id of its report. */
  known(ticketId: string): Promise<string> {
    const found = () => this.stack.client.list({ filter: { externalId: ticketId }, offset: 0, limit: 1 });
    return until(`${ticketId} to be seen`, async () => (await found()).reports[0]?.id ?? false);
  }

  async untilTicket(ticketId: string, status: string): Promise<void> {
    await until(`${ticketId} to be ${status}`, () => Promise.resolve(this.server.statusOf(ticketId) === status));
  }
}
