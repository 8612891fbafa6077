/**
 * Part of a select list: for the rest of the transaction, indexes are used even where a table looks small. Plans are
 * made when the service starts, over empty tables, and kept for as long as the connection lives. The price with which
 * Postgres discourages a scan is so high that it would compile every plan that cannot avoid one: so no compiling either.
 */
export const KEEP_TO_INDEXES = `set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`;
