/** `/alarms/{name}`: the webhook of an alarm system. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CloseoutClient } from '../client.js';
import type { AlarmOutcome, OpenInSystem } from '../client/alarms.js';
import { CloseoutError, isWorthRetrying } from '../contract/errors.js';
import type { GatewayConfig } from '../setup/config.js';
import { loadPolicy } from '../setup/policy-file.js';
import type { AlarmSource, SystemsFile } from '../setup/systems-file.js';
import { Systems } from '../systems/systems.js';
import { alarmsIn, alertmanagerBody } from './alertmanager.js';
import { credentialsOf } from './credentials.js';
import { endingOf } from './ending.js';
import { parseInput } from './parse.js';
import { isSameToken } from './same-token.js';

/** A mass outage arrives as one request with thousands of alarms. */
const bodyLimit = 8 * 1024 * 1024;

export function alarmWebhooks(
  app: FastifyInstance,
  client: CloseoutClient,
  config: GatewayConfig,
  file: SystemsFile,
): void {
  const policyFor = loadPolicy(config.policyFile);
  const systems = new Systems(
    file.systems,
    (name, perSecond) => client.systems.paceOf(name, perSecond),
    config.addressKey,
  );

  // Opening many tickets may take longer than the sender waits, who then repeats the request, which is safe.
  const ending = endingOf(app);

  const openerFor = ({ system }: AlarmSource): OpenInSystem | undefined => {
    if (system === undefined) return undefined;
    return async ({ name = '', id: _, ...opening }, reference, beforeWrite) => {
      const { ticket, at } = await systems.open(
        system,
        { ...opening, name, reference },
        { signal: ending, beforeWrite },
      );
      return client.systems.follow(systems.observationOf(system, ticket, at));
    };
  };

  /** Whose token the request carries. Each token is its own: an alarm system may do nothing else. */
  const sourceOf = (request: FastifyRequest): AlarmSource | undefined => {
    const source = file.alarms.get((request.params as { name: string }).name);
    const { name, token: given = '' } = credentialsOf(request) ?? {};
    if (name !== undefined) return undefined; // a browser's log-in
    return source && [source.token, config.apiToken].some((token) => isSameToken(token, given)) ? source : undefined;
  };

  app.post<{ Params: { name: string } }>(
    '/alarms/:name',
    {
      bodyLimit,
      // Before the body is read, which may be large.
      onRequest: (request, _reply, done) => {
        done(sourceOf(request) ? undefined : unauthorized());
      },
    },
    async (request) => {
      const { params, body, log } = request;
      const { name } = params;
      const source = sourceOf(request);
      if (!source) throw unauthorized();
      const { truncatedAlerts, ...received } = parseInput(alertmanagerBody, body);
      if (truncatedAlerts > 0)
        log.warn({ source: name, truncatedAlerts }, 'Alertmanager left alarms out: raise its max_alerts');
      const counts: Partial<Record<AlarmOutcome, number>> = {};
      const isWaiting = () => !ending.aborted && !request.raw.socket.destroyed;
      const failures: unknown[] = [];
      const startedAt = performance.now();
      // In order: an alarm may be there twice, once firing and once resolved. One that is refused does not hold up the others.
      for (const alarm of alarmsIn(received, source)) {
        if (!isWaiting())
          throw new CloseoutError('SystemUnavailable', 'Not all alarms were received; send them again.');
        try {
          const outcome = await client.alarms.receive(name, alarm, policyFor, openerFor(source));
          counts[outcome] = (counts[outcome] ?? 0) + 1;
        } catch (error) {
          const code = error instanceof CloseoutError ? error.code : 'Unexpected';
          log.warn({ source: name, fingerprint: alarm.fingerprint, code }, 'an alarm was not accepted');
          failures.push(error);
          // Whoever sent them waits no longer, and sends all of them again.
          if (isWorthRetrying(error) && performance.now() - startedAt > retryBudget) break;
        }
      }
      // Alertmanager sends the webhook again only after an answer of 5xx.
      if (failures.length > 0) throw failures.find(isWorthRetrying) ?? failures[0];
      return counts;
    },
  );
}

/** How long alarms are tried while Temporal or the database does not answer; ms. */
const retryBudget = 30_000;

const unauthorized = () =>
  new CloseoutError('Unauthorized', 'Send "Authorization: Bearer TOKEN" with the token of this alarm source.');
