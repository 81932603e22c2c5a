import assert from "node:assert/strict";
import { adminOf, testApi } from "../tests/support/api.ts";
import { asTenantId } from "./database/tenancy.ts";
import { earlierOf, keyLifetimeMs } from "./idempotency.ts";

Deno.test("earlierOf: a key is known for a day, to the millisecond, though nobody has cleared it away", async () => {
  await using api = await testApi();
  const { tenantId } = await adminOf(api, "acme");
  const key = { principal: "operator", key: "k", digest: new Uint8Array(32) };
  const made = api.clock.now();
  await api.db.owner`
    insert into idempotency_keys (tenant_id, principal, key, request_digest, resource_id, created_at)
    values (${tenantId}, ${key.principal}, ${key.key}, ${key.digest}, '7', ${new Date(made)})`;
  const earlier = (now: number) =>
    api.deps.tenancy.transaction(asTenantId(tenantId), (sql) => earlierOf(sql, key, now));
  assert.equal(await earlier(made + keyLifetimeMs), "7");
  assert.equal(await earlier(made + keyLifetimeMs + 1), null);
});
