import { logIn, loopback, type Persona, type TestApi } from "./api.ts";

/**
 * For tests that do whatever there is to do as one user: puts the rows of him and his tenant back as they were
 * now, and logs him in again where an operation logged him out.
 */
export async function reviver(api: TestApi, persona: Persona): Promise<() => Promise<void>> {
  const restore = [
    await keeper(api, "tenants", `id = ${persona.tenantId}`),
    await keeper(api, "users", `tenant_id = ${persona.tenantId} and id = ${persona.userId}`),
  ];
  return async () => {
    for (const each of restore) await each();
    const alive = await api.request("/api/v1/auth/me", { via: loopback, token: persona.token });
    if (alive.status !== 200) Object.assign(persona, await logIn(api, persona));
  };
}

/** Every column, whatever columns there will be. */
async function keeper(api: TestApi, table: "tenants" | "users", where: string) {
  const { owner } = api.db;
  const [row] = await owner.unsafe<[{ row: string }]>(
    `select to_jsonb(t)::text as row from ${table} t where ${where}`,
  );
  const columns = await owner<{ name: string }[]>`
    select quote_ident(attname) as name from pg_attribute where attrelid = ${table}::regclass
      and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = '' and attname <> 'tenant_id'`;
  const list = columns.map(({ name }) => name).join(", ");
  return () =>
    owner.unsafe(
      `update ${table} t set (${list}) = (select ${list} from jsonb_populate_record(t, $1::text::jsonb)) where ${where}`,
      [row.row],
    );
}
