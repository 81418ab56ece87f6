/** The activities on a stack's database, called by a test: as if their worker had been killed and had begun again. */
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Deps } from '../../src/activities/deps.js';
import { openDatabase } from '../../src/outside/database/database.js';
import { openMailer } from '../../src/outside/mail/mailer.js';
import { openStores } from '../../src/outside/stores.js';
import { connectTemporal } from '../../src/outside/temporal/connect.js';
import { loadBrands } from '../../src/setup/brands.js';
import { loadWorkerConfig } from '../../src/setup/config.js';
import { loadPolicy } from '../../src/setup/policy-file.js';
import { Systems } from '../../src/systems/systems.js';
import { ownPace } from '../../src/systems/pace.js';
import type { Stack } from './stack.js';

/** Calls an activity as a worker does. */
export type Call = <R>(activity: () => Promise<R>) => Promise<R>;

export function openActivities({ env }: Pick<Stack, 'env'>): { deps: Deps; call: Call; close: () => Promise<void> } {
  const config = loadWorkerConfig({ ...env });
  const db = openDatabase(config.databaseUrl, () => undefined);
  const mailer = openMailer(config.relay, 1);
  const temporal = connectTemporal(config.temporal);
  const brands = loadBrands(config);
  const deps: Deps = {
    ...openStores(db, config.addressKey),
    runs: temporal.runs,
    lostRuns: temporal.lostRuns,
    mailer,
    policyFor: loadPolicy(config.policyFile, brands.ids),
    brands,
    systems: new Systems(new Map(), () => ownPace(1), Buffer.from('key')),
    mail: { ...config.mail, publicUrl: config.http.publicUrl, linkKeys: config.linkKeys },
    alertTo: config.mail.alertTo,
    keepDays: config.keepDays,
    runUrl: () => undefined,
  };
  const call: Call = (activity) => new MockActivityEnvironment().run(activity);
  const close = async () => {
    mailer.close();
    await Promise.all([db.destroy(), temporal.close()]);
  };
  return { deps, call, close };
}
