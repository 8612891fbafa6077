import pg from 'pg';

const databaseName = (service: string): string => `lineclear_${service.replaceAll('-', '_')}`;

interface Wanted {
  readonly service: string;
  readonly password: string;
}

/**
 * Gives each service a database and a role of the same name that owns it, and lets no other role open it. Whatever is there
 * already is left, but for the passwords, which become ours.
 * @returns each service's own url
 */
export async function provideDatabases(
  adminUrl: string,
  wanted: readonly Wanted[],
  isOurServer: boolean,
): Promise<Map<string, string>> {
  const admin = new pg.Client({ connectionString: adminUrl, application_name: 'lineclear-launcher' });
  await admin.connect();
  try {
    if (isOurServer) await admin.query('revoke connect on database postgres, template1 from public');
    const roles = await namesIn(admin, 'select rolname as name from pg_roles');
    const databases = await namesIn(admin, 'select datname as name from pg_database');
    for (const { service, password } of wanted) {
      const name = databaseName(service);
      const verb = roles.has(name) ? 'alter' : 'create';
      // Statements on roles take no parameters; a password of ours is hexadecimal, and any is escaped.
      await admin.query(`${verb} role "${name}" login nosuperuser password ${pg.escapeLiteral(password)}`);
      const isNew = !databases.has(name);
      if (isNew) {
        await ownable(admin, name);
        await admin.query(`create database "${name}" owner "${name}" encoding 'UTF8' template template0`);
      }
      // On a server of ours each time: the start that made the database may have been cut off here.
      if (isNew || isOurServer) await admin.query(`revoke all on database "${name}" from public`);
    }
  } finally {
    await admin.end();
  }
  return new Map(
    wanted.map(({ service, password }) => [service, urlFor(adminUrl, databaseName(service), password)]),
  );
}

async function namesIn(admin: pg.Client, sql: string): Promise<Set<string>> {
  return new Set((await admin.query<{ name: string }>(sql)).rows.map((row) => row.name));
}

// An admin that is no superuser (a managed Postgres) must be a member of a role to make it an owner.
async function ownable(admin: pg.Client, role: string): Promise<void> {
  const { rows } = await admin.query<{ rolsuper: boolean }>(
    'select rolsuper from pg_roles where rolname = current_user',
  );
  if (rows[0]?.rolsuper !== true) await admin.query(`grant "${role}" to current_user`);
}

function urlFor(adminUrl: string, name: string, password: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  url.username = name;
  url.password = password;
  return url.href;
}
