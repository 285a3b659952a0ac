/** Of PostgreSQL's installation. `created`: it is in this database. */
export const FIND_EXTENSION = `
select installed_version is not null as created from pg_available_extensions where name = 'vector'`;

/** Not a trusted extension: it takes a superuser, or a provider that lets others. */
export const CREATE_EXTENSION = 'create extension if not exists vector';

/**
 * Of the session, and the number is nobody else's: an index that looks as if it were left incomplete may be one that is
 * just being made, by PostgreSQL for a leader that has died.
 */
export const TAKE_THE_LOCK = `select pg_try_advisory_lock(hashtextextended('heddle vector indexes', 0)) as taken`;
