/** Brings the tables up to date, or finds them too old: for commands and processes that do not import `outside`. */
export { assertMigrated, migrate } from '../outside/database/migrate.js';
