import pg from 'pg';

/** How many users there are beside the admin, and API keys: each has one. */
export const PEOPLE = 100_000;

/** The API key of the nth of them. */
export const keyOf = (n) => `bench-key-${n}`;

/** Fills auth's tables; gives the ids of the first `named` users and of their keys. */
export async function populate(databaseUrl, named) {
  const auth = new pg.Client({ connectionString: databaseUrl });
  await auth.connect();
  await auth.query(
    `insert into users (username, email, display_name, level, created_at)
      select 'bench' || n, 'bench' || n || '@lineclear.test', 'Bench ' || n, 'researcher', now()
      from generate_series(0, ${PEOPLE - 1}) n`,
  );
  await auth.query(
    `insert into api_keys (user_id, name, key_prefix, token_sha256, created_at)
      select u.id, 'bench', 'bench-key', encode(sha256(convert_to('bench-key-' || n, 'UTF8')), 'hex'), now()
      from generate_series(0, ${PEOPLE - 1}) n join users u on u.username = 'bench' || n`,
  );
  await auth.query('vacuum analyze users, api_keys');
  const { rows } = await auth.query(
    `select k.id as "keyId", u.id as "userId"
      from generate_series(0, $1::int - 1) n join users u on u.username = 'bench' || n join api_keys k on k.user_id = u.id
      order by n`,
    [named],
  );
  await auth.end();
  return rows;
}
