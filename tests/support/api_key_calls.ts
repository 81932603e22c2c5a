import assert from "node:assert/strict";
import type { Persona, TestApi } from "./api.ts";

/** Makes a key of the persona, as the API does. */
export async function makeKey(api: TestApi, who: Persona, body: Record<string, unknown> = {}) {
  const made = await api.request("/api/v1/api-keys", {
    token: who.token,
    body: { name: "script", scopes: ["wireguard.read"], ...body },
  });
  assert.equal(made.status, 201, made.text);
  return { key: made.body.key as string, id: made.body.api_key.id as string, body: made.body };
}

export const withKey = (key: string) => ({ headers: { "X-API-Key": key } });
/** What an operation that asks for `wireguard.read` answers a request with this key. */
export const keyStatus = async (api: TestApi, key: string, path = "/api/v1/wireguard/peers") =>
  (await api.request(path, withKey(key))).status;
