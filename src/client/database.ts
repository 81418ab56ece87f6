/** Brings the tables up to date, or finds them too old: for the commands, which do not import `outside`. */
export { assertMigrated, migrate } from '../outside/database/migrate.js';
