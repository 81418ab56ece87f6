import type { SystemSettings } from '../../src/setup/systems-file.js';
import { conformance, type Agent } from './conformance.js';
import { Tmf621Server } from './tmf621-server.js';

describe.each(['v4', 'v5'] as const)('%s', (version) => {
  const server = new Tmf621Server(version);
  afterAll(() => server.close());

  conformance(`TMF621 ${version}`, async (): Promise<Agent> => {
    const origin = await server.listen();
    const login = { tokenUrl: `${origin}/token`, clientId: 'closeout', clientSecret: 'secret' };
    const settings: SystemSettings = {
      type: 'tmf621',
      url: `${origin}/tmf-api/troubleTicket/${version}`,
      oauth: login,
      only: {},
      fields: {},
      status: {},
      poll: 1000,
      rate: 1000,
      writeBack: { closing: true, answer: true },
    };
    return {
      settings,
      wrongLogin: { ...settings, oauth: { ...login, clientSecret: 'wrong' } },
      setStatus: (id, status) => Promise.resolve(server.set(id, status)),
      remove: (id) => Promise.resolve(server.remove(id)),
      eventAbout: (id) => ({ eventType: 'TroubleTicketStatusChangeEvent', event: { troubleTicket: { id } } }),
    };
  });
});
