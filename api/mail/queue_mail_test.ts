import assert from "node:assert/strict";
import { createOneTimeToken } from "../auth/one_time_token.ts";
import { asTenantId } from "../database/tenancy.ts";
import { adminOf, testApi } from "../../tests/support/api.ts";
import { pageLink, queueMail } from "./mod.ts";

Deno.test("queueMail: D2, A6: a mail commits with its change or not at all, and nothing of it lies in clear", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const tenantId = asTenantId(acme.tenantId);
  const link = "http://10.10.0.1:8000/reset#tenant=1&token=very-secret";
  const queue = (fail: boolean) =>
    api.deps.tenancy.transaction(tenantId, async (sql) => {
      await queueMail(api.deps, sql, {
        tenantId,
        to: "ada@acme.example",
        locale: "fr",
        template: "password_reset",
        data: { link },
      });
      if (fail) throw new Error("the change failed");
    });
  await assert.rejects(queue(true), /the change failed/);
  assert.equal((await api.db.owner`select from mails`).length, 0);
  await queue(false);
  const [row] = await api.db.owner`select m::text as text, state, attempts from mails m`;
  assert.equal(row?.state, "queued");
  const bytes = /"\\\\x([0-9a-f]+)"/.exec(row?.text)?.[1] ?? "";
  const stored = `${row?.text} ${new TextDecoder().decode(Uint8Array.fromHex(bytes))}`;
  assert.ok(bytes.length > 100, row?.text);
  for (const secret of ["very-secret", "ada@acme.example"]) assert.ok(!stored.includes(secret));
});

Deno.test("pageLink: built from the configuration, token and tenant where no browser sends them", async () => {
  await using api = await testApi({ env: { PUBLIC_URL: "https://vpn.example.com" } });
  const { text } = await createOneTimeToken();
  const link = new URL(pageLink(api.deps, "reset", { tenantId: 7, token: text }));
  assert.equal(link.origin, "https://vpn.example.com");
  assert.equal(`${link.pathname}${link.search}`, "/reset");
  assert.equal(link.hash, `#tenant=7&token=${text.reveal()}`);
});
