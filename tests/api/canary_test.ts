import assert from "node:assert/strict";
import { loopback, testApi } from "../support/api.ts";
import { fillPath, isPublic, operations } from "../support/operations.ts";
import { type Side, sideOf } from "../support/two_tenants.ts";
import { asTenantId } from "../../api/database/tenancy.ts";

/** Requests that each of the callers makes; more on demand. */
const rounds = Number(Deno.env.get("MASSACORP_CANARY_ROUNDS") ?? 25);
const callersOfEach = 8;

Deno.test("app: N1: two tenants hammer one small pool, and neither ever sees a row of the other", async () => {
  // Two connections for sixteen callers: each is handed from one tenant to the other all the time.
  await using api = await testApi({
    network: "10.10.0.0/20",
    env: { DATABASE_POOL_SIZE: "2", DATABASE_POOL_TIMEOUT: "60s" },
  });
  const sides: [Side, Side] = [
    // Told from every row of letters that chance makes.
    await sideOf(api, "alpha-tenant"),
    await sideOf(api, "beta-tenant"),
  ];
  const all = await operations(api);
  const reads: Record<string, string[]> = {};
  for (const side of sides) {
    const paths: string[] = [];
    for (const operation of all) {
      const platforms = operation.permission.startsWith("platform.");
      if (operation.method !== "GET" || isPublic(operation) || platforms) continue;
      const query = operation.template.endsWith("/export") ? "?format=ndjson" : "";
      paths.push(fillPath(operation, await side.pathIds(operation)) + query);
    }
    reads[side.persona.slug] = paths;
  }
  let looked = 0;
  const written: Record<string, number> = {};
  let found: unknown;

  /** One caller of one tenant; `marks` are the other's, and never in an answer. */
  async function hammer([side, other]: [Side, Side], n: number): Promise<void> {
    const { persona } = side;
    const paths = reads[persona.slug] ?? [];
    for (let round = 0; round < rounds && found === undefined; round++) {
      const path = paths[(n * 7 + round * 13) % paths.length] ?? "";
      const options = { via: loopback, token: persona.token };
      if (round % 5 === 4) {
        // A reader who leaves, a statement that fails in mid-transaction, and a change that is refused.
        await (await api.fetch(path, options)).body?.cancel();
        await assert.rejects(
          api.deps.tenancy.transaction(asTenantId(persona.tenantId), (sql) => sql`select 1 / 0`),
        );
        await api.request("/api/v1/wireguard/peers", { ...options, body: { name: "" } });
        // And one that is made, with its audit entry.
        const name = `${persona.slug} ${n} ${round}`;
        const change = { ...options, method: "PUT", body: { name } };
        const changed = await api.request("/api/v1/users/me", change);
        if (changed.status !== 503) {
          assert.deepEqual([changed.status, changed.body.id], [200, persona.userId], changed.text);
          assert.equal(changed.body.name.startsWith(`${persona.slug} `), true, changed.text);
          written[persona.slug] = (written[persona.slug] ?? 0) + 1;
        }
      }
      const reply = await api.request(path, options);
      // A tenant has two exports at once, and one that was left may still be ending.
      const busy = path.includes("/export") ? [429, 503] : [503];
      assert(reply.status < 300 || busy.includes(reply.status), `${path} ${reply.text}`);
      assert(!reply.text.includes(other.persona.slug), `${persona.slug} saw ${reply.text}`);
      const rows = await api.deps.tenancy.query(
        asTenantId(persona.tenantId),
        (sql) =>
          sql<{ tenant_id: number }[]>`
          select tenant_id from users union all select tenant_id from audit_log
          union all select tenant_id from wg_peers union all select tenant_id from sessions`,
      );
      assert(rows.length > 0);
      const foreign = rows.find((row) => row.tenant_id !== persona.tenantId);
      assert.equal(foreign, undefined, `${persona.slug} saw a row of ${foreign?.tenant_id}`);
      looked += rows.length;
    }
  }
  const [a, b] = sides;
  // The first find stops all of them, and none is left behind on a connection.
  await Promise.all(
    Array.from({ length: callersOfEach }, (_, n) => [hammer([a, b], n), hammer([b, a], n)]).flat()
      .map((ended) => ended.catch((error) => found ??= error)),
  );
  if (found !== undefined) throw found;
  const made = await api.db.owner<{ tenant_id: number; actor_user_id: number; n: number }[]>`
    select tenant_id, actor_user_id, count(*)::integer as n from audit_log where action = 'user.update'
    group by tenant_id, actor_user_id order by tenant_id`;
  assert.deepEqual(
    made.map((row) => ({ ...row })),
    sides.map(({ persona: { tenantId, userId, slug } }) => ({
      tenant_id: tenantId,
      actor_user_id: userId,
      n: written[slug],
    })),
  );
  for (const { persona: { slug } } of sides) {
    assert((written[slug] ?? 0) > callersOfEach, `${slug} made ${written[slug]} changes`);
  }
  assert(looked > 2 * callersOfEach * rounds * 10, `${looked} rows were looked at`);
});
