/** The adapters by their types. To add one: its file, a row here, and its type in setup/systems-file.ts. */
import type { SystemSettings, SystemType } from '../setup/systems-file.js';
import { DjangoHelpdesk, helpdeskWords } from './django-helpdesk.js';
import type { Pace } from '../outside/system-states.js';
import { ownPace } from './pace.js';
import type { AdapterSettings, SystemOfRecord } from './port.js';
import { Redmine, redmineWords } from './redmine.js';
import { RequestTracker, requestTrackerWords } from './request-tracker.js';
import { Tmf621, tmf621Words } from './tmf621.js';
import type { StatusWords } from './words.js';

/** `words`: the usual ones of the type. */
interface SystemKind {
  words: StatusWords;
  adapter: new (settings: AdapterSettings, words: StatusWords) => SystemOfRecord;
}

const adapters: Record<SystemType, SystemKind> = {
  'django-helpdesk': { words: helpdeskWords, adapter: DjangoHelpdesk },
  redmine: { words: redmineWords, adapter: Redmine },
  'request-tracker': { words: requestTrackerWords, adapter: RequestTracker },
  tmf621: { words: tmf621Words, adapter: Tmf621 },
};

/** A system as it is used: with its adapter and the meaning of its words. */
export interface ConnectedSystem {
  name: string;
  settings: SystemSettings;
  words: StatusWords;
  system: SystemOfRecord;
}

/** `pace`: shared with other processes; absent: this one's own. */
export function connectSystem(
  name: string,
  settings: SystemSettings,
  { pace = ownPace(settings.rate), pageSize = 100 }: { pace?: Pace; pageSize?: number } = {},
): ConnectedSystem {
  const { words: usual, adapter: Adapter } = adapters[settings.type];
  const given = Object.fromEntries(Object.entries(settings.status).filter(([, word]) => word !== undefined));
  const words: StatusWords = { ...usual, ...given };
  return { name, settings, words, system: new Adapter({ ...settings, pace, pageSize }, words) };
}
