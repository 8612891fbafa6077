import type { Queryable } from '@lineclear/kit';

export async function noted(on: Queryable): Promise<Buffer | undefined> {
  const [row] = await on.query<{ check_value: Buffer }>('select check_value from at_rest_key where id = 1');
  return row?.check_value;
}

export async function note(on: Queryable, checkValue: Buffer): Promise<void> {
  await on.query(
    'insert into at_rest_key (id, check_value) values (1, $1) on conflict (id) do update set check_value = excluded.check_value',
    [checkValue],
  );
}

/** Whether any column that is named `sealed_…` holds something (a table that is new here needs to tell nobody), or the audit log does: it is proved with the key. */
export async function anythingIsSealed(on: Queryable): Promise<boolean> {
  const columns = await on.query<{ at: string; name: string }>(
    `select quote_ident(table_name) as at, quote_ident(column_name) as name from information_schema.columns
     where table_schema = current_schema() and column_name like 'sealed\\_%'`,
  );
  if ((await on.query('select 1 from audit_head')).length > 0) return true;
  for (const { at, name } of columns) {
    const held = await on.query(`select 1 from ${at} where ${name} is not null limit 1`);
    if (held.length > 0) return true;
  }
  return false;
}
