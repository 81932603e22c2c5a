import assert from "node:assert/strict";
import { adminOf, testApi } from "../../tests/support/api.ts";
import { createPeer } from "../../tests/support/peer_calls.ts";
import { makeDocument } from "./committed.ts";

Deno.test("openapi: the API takes every example of a request, whatever is not there to act on", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { peer } = await createPeer(api, acme);
  const ids = { peers: peer.id, users: acme.userId, tenants: acme.tenantId, gateways: 1, roles: 1 };
  const refused: string[] = [];
  let tried = 0;
  for (const [path, methods] of Object.entries((await makeDocument()).paths)) {
    const id = Object.entries(ids).find(([name]) => path.includes(`/${name}/{`))?.[1] ?? peer.id;
    for (const [method, operation] of Object.entries(methods)) {
      const permission = operation["x-permission"];
      // Log-ins, and what takes a token that an example cannot have.
      if (permission === "public") continue;
      const { examples = {} } = operation.requestBody?.content["application/json"] ?? {};
      for (const { value } of Object.values(examples)) {
        const { status, body } = await api.request(path.replace("{id}", String(id)), {
          method: method.toUpperCase(),
          body: value,
          // What ends sessions would end this one, too.
          ...(permission.startsWith("platform.") || path.endsWith("/logout")
            ? { tenant: "acme" }
            : { token: acme.token }),
        });
        tried++;
        const errors: { path: string; code: string }[] = body.errors ?? [];
        const wrong = errors.filter(({ code }) => code !== "unknown");
        if (status === 400 || status === 415 || status >= 500 && status !== 503) wrong.push(body);
        for (const each of wrong) refused.push(`${method} ${path}: ${JSON.stringify(each)}`);
      }
    }
  }
  assert.ok(tried > 35);
  assert.deepEqual(refused, []);
});
