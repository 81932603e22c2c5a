import assert from "node:assert/strict";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import { adminOf, testApi, userOf } from "../../../tests/support/api.ts";
import { waitingMails } from "../../../tests/support/mails.ts";

const path = "/api/v1/wireguard/gateways/1/key-announcement";

Deno.test("announceGatewayKey: every active admin of a tenant with peers is told once, in his language, and nobody else", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "empty");
  const made = await api.request("/api/v1/tenants", {
    body: { slug: "alone", name: "Alone", admin_email: "not.yet@alone.example" },
  });
  assert.equal(made.status, 201, made.text);
  const alone = made.body.tenant.id;
  await userOf(api, acme, { email: "bob@acme.example" });
  await userOf(api, acme, { email: "claire@acme.example", role: "admin" });
  await userOf(api, acme, { email: "gone@acme.example", role: "admin" });
  await api.db.owner`update users set locale = 'fr' where email = 'claire@acme.example'`;
  await api.db.owner`update users set status = 'inactive' where email = 'gone@acme.example'`;
  const reply = await api.request("/api/v1/wireguard/peers", {
    tenant: "acme",
    body: { name: "p" },
  });
  assert.equal(reply.status, 201, reply.text);
  await api.db.owner`delete from mails`;
  const { publicKey: next_public_key } = await generateKeyPair();
  const at = "2099-01-31T20:00:00Z";
  const announce = (body: object, more: object = {}) => api.request(path, { body, ...more });

  const [{ public_key }] = await api.db.owner<[{ public_key: string }]>`
    select public_key from wg_interfaces where id = 1`;
  for (
    const [body, field] of [
      [{ next_public_key, at: "2020-01-31T20:00:00Z" }, "at"],
      [{ next_public_key, at: "tomorrow" }, "at"],
      [{ next_public_key, at: "9999-12-31T23:59:59-14:00" }, "at"],
      [{ next_public_key: public_key, at }, "next_public_key"],
      [{ next_public_key: "A".repeat(44), at }, "next_public_key"],
      [{ at }, "next_public_key"],
    ] as const
  ) {
    const reply = await announce(body);
    assert.equal(reply.status, 422, reply.text);
    assert.equal(reply.body.errors[0].path, field, reply.text);
  }
  assert.equal((await announce({ next_public_key, at }, { token: acme.token })).status, 403);
  const unknown = await api.request(path.replace("/1/", "/7/"), { body: { next_public_key, at } });
  assert.equal(unknown.body.code, "not_found");
  assert.deepEqual(await waitingMails(api), []);

  const told = await announce({ next_public_key, at });
  assert.equal(told.status, 200, told.text);
  assert.deepEqual(told.body, { tenants: 2, mails: 2, without_admin: [alone] });
  const mails = await waitingMails(api);
  assert.deepEqual(mails.map(({ to, locale, template }) => [to, locale, template]), [
    [acme.email, "en", "gateway_key"],
    ["claire@acme.example", "fr", "gateway_key"],
  ]);
  const { endpoint, ...data } = mails[0]?.template === "gateway_key"
    ? mails[0].data
    : { endpoint: "" };
  assert.match(endpoint, /:51820$/);
  assert.deepEqual(data, {
    at: "2099-01-31T20:00:00.000Z",
    tenantName: "The acme company",
    publicKey: public_key,
    nextPublicKey: next_public_key,
    peers: 1,
  });
  const again = await announce({ next_public_key, at: "2099-01-31T21:00:00+01:00" });
  assert.deepEqual(again.body, { tenants: 2, mails: 0, without_admin: [] }, "the same moment");
  const later = await announce({ next_public_key, at: "2099-02-01T20:00:00Z" });
  assert.equal(later.body.mails, 2, "another moment is told again");
  const entries = await api.db.owner<{ tenant_id: number; details: { mails: number } }[]>`
    select tenant_id, details from audit_log
    where action = 'wireguard.gateway_key_announced' order by id`;
  assert.deepEqual(entries.map(({ tenant_id, details }) => [tenant_id, details.mails]), [
    [acme.tenantId, 2],
    [alone, 0],
    [acme.tenantId, 2],
    [alone, 0],
  ]);
});
