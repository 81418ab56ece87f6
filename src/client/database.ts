/** The tables, for processes and commands: brought up to date, or found to be too old. */
export { assertMigrated, migrate } from '../outside/database/migrate.js';
