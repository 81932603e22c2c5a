import assert from "node:assert/strict";
import { operator, type Persona, type TestApi } from "./api.ts";
import { databaseDigest } from "./database_digest.ts";

/** Sets a tenant's policy. */
export const putPolicy = (api: TestApi, who: Persona, body: unknown) =>
  api.request("/api/v1/wireguard/policy", { method: "PUT", token: who.token, body });
export const readPolicy = async (api: TestApi, who: Persona) =>
  (await api.request("/api/v1/wireguard/policy", { token: who.token })).body;
/** Gives a tenant a grant, as the operator. */
export const grantTo = (api: TestApi, who: Persona, body: Record<string, unknown> = {}) =>
  api.request("/api/v1/wireguard/grants", {
    via: operator,
    tenant: who.slug,
    body: { name: "office", network: "198.51.100.0/24", protocol: "tcp", ...body },
  });

/** Refused for these fields, and nothing changed. */
export async function assertInvalid(
  api: TestApi,
  send: () => Promise<{ status: number; text: string; body: { errors: Record<string, string>[] } }>,
  expected: [path: string, code: string][],
) {
  const before = await databaseDigest(api.db);
  const reply = await send();
  assert.equal(reply.status, 422, reply.text);
  assert.deepEqual(reply.body.errors.map(({ path, code }) => [path, code]), expected);
  assert.deepEqual(await databaseDigest(api.db), before);
}
