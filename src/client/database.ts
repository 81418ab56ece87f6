/** The tables, for processes and commands: brought up to date, or found to be too old; and the time. */
export { now } from '../outside/database/clock.js';
export { assertMigrated, migrate } from '../outside/database/migrate.js';
