import { setTimeout as pause } from 'node:timers/promises';
import { buildTemporalServer } from '../../src/local/temporal-cluster.js';
import { hasGo } from '../stack/commands.js';
import { brokenInvariants } from '../stack/invariants.js';
import { isAbout } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { callApi, ticketPath } from '../stack/tickets.js';
import { until } from '../stack/waiting.js';

/** Temporal's server on PostgreSQL with several history shards, two workers, and two gateways behind a proxy. */
(hasGo ? describe : describe.skip)(
  hasGo ? 'a cluster' : 'Go is not installed on this machine, so a cluster was not tried',
  () => {
    let stack: Stack;
    beforeAll(async () => {
      await buildTemporalServer((line) => void process.stderr.write(`${line}\n`));
      stack = await Stack.start({ isCluster: true, policy: 'default: { survey: { contactCap: null } }' });
    }, 600_000);
    afterAll(() => stack.end());

    test('two workers and two gateways run', async () => {
      const names = Object.keys(stack.pids());
      expect(names).toEqual(['start', 'PostgreSQL', 'Temporal', 'worker', 'worker-2', 'gateway', 'gateway-2']);
      await until('a worker to poll', async () => (await fetch(stack.url('/readyz'))).status === 200);
    });

    test('a worker and a gateway are killed during a storm: nothing is lost, and it goes on', async () => {
      const ids = Array.from({ length: 120 }, (_, n) => `STORM-${n}`);
      await Promise.all(ids.map((id) => stack.open(id)));
      await stack.untilAllIn('STORM-', 'open', 1, ids.length);
      /** As a service does whose request may have been answered with 202, or not at all. */
      const resolve = (id: string) =>
        until(`${id} to be resolved`, async () => {
          const { status } = await callApi(stack, 'PATCH', `${ticketPath}/${id}`, { status: 'resolved' });
          return status === 200 || status === 202;
        });
      const storm = Promise.all(ids.map(resolve));
      await pause(500);
      await Promise.all([stack.kill('worker'), stack.kill('gateway')]);
      await storm;
      await stack.untilAllIn('STORM-', 'surveying', 1, ids.length);
      const mails = await stack.mails();
      for (const id of ids) expect(mails.filter((mail) => isAbout(mail, id)).length).toBeGreaterThan(0);
      expect(await brokenInvariants(stack)).toEqual([]);
    }, 600_000);

    test('the worker that was killed takes its share again', async () => {
      const workedOn = new Set<string>();
      for (let n = 0; workedOn.size < 2; n++) {
        const id = `AFTER-${n}`;
        await stack.open(id);
        await stack.client.clear(id);
        await stack.untilSurvey(id, 'sent');
        for (const { workflowTaskCompletedEventAttributes: done } of (await stack.history(id)).events ?? [])
          if (done?.identity) workedOn.add(done.identity.replace(/@.*/, ''));
      }
      const { worker, 'worker-2': second } = stack.pids();
      expect([...workedOn].sort()).toEqual([`${worker}`, `${second}`].sort());
    });
  },
);
