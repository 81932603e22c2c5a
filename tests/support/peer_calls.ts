import assert from "node:assert/strict";
import { loopback, type Persona, type RequestOptions, type TestApi } from "./api.ts";

const base = "/api/v1/wireguard/peers";

/** The operations of peers, asked by somebody. */
export function peers(api: TestApi, who: Persona) {
  const ask = (path: string, more: RequestOptions = {}) =>
    api.request(`${base}${path}`, { via: loopback, token: who.token, ...more });
  return {
    create: (body: unknown, more: RequestOptions = {}) => ask("/", { body, ...more }),
    get: (id: string) => ask(`/${id}`),
    list: (query = "") => ask(`/${query}`),
    post: (id: string, verb: string, body?: unknown) =>
      ask(`/${id}/${verb}`, { method: "POST", ...(body === undefined ? {} : { body }) }),
    remove: (id: string) => ask(`/${id}`, { method: "DELETE" }),
  };
}

/** A peer that was made, as the answer has it. */
export async function createPeer(api: TestApi, who: Persona, body: Record<string, unknown> = {}) {
  const reply = await peers(api, who).create({ name: "laptop", ...body });
  assert.equal(reply.status, 201, reply.text);
  return reply.body;
}

export const redeemDelivery = (api: TestApi, body: unknown, more: RequestOptions = {}) =>
  api.request("/api/v1/wireguard/deliveries", { via: loopback, tenant: "acme", body, ...more });
