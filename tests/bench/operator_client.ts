import type { Stack } from "../support/stack.ts";
import { until } from "../support/until.ts";

/** A client of the operator's socket that keeps its connection. */
export function operatorClient({ daemon }: Stack): Deno.HttpClient {
  return Deno.createHttpClient({
    proxy: { transport: "unix", path: `${daemon.folder}/operator/api.sock` },
  });
}

const url = "http://localhost/api/v1/wireguard/peers";

/** @returns the peer's id, if asked for once it is active, however long after the answer. @throws where it is not made */
export async function createPeer(
  client: Deno.HttpClient,
  tenant: number,
  { active }: { active: boolean },
): Promise<string> {
  const response = await fetch(url, {
    client,
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Tenant-ID": String(tenant) },
    body: JSON.stringify({ name: "bench" }),
  });
  const body = await response.json();
  if (response.status !== 201) throw new Error(`no peer: ${response.status}`);
  const { id, status } = body.peer;
  if (active && status !== "active") {
    await until("the peer is active", async () => {
      return (await (await get(client, tenant, id)).json()).status === "active";
    }, { timeoutMs: 60_000 });
  }
  return id;
}

function get(client: Deno.HttpClient, tenant: number, id: string): Promise<Response> {
  return fetch(`${url}/${id}`, { client, headers: { "X-Tenant-ID": String(tenant) } });
}

/** Returns once it is proven gone, however long after the answer. */
export async function deletePeer(
  client: Deno.HttpClient,
  tenant: number,
  id: string,
): Promise<void> {
  const response = await fetch(`${url}/${id}`, {
    client,
    method: "DELETE",
    headers: { "X-Tenant-ID": String(tenant) },
  });
  const body = await response.json();
  if (response.status === 200 && body.removed === true) return;
  if (response.status !== 202) throw new Error(`not removed: ${response.status}`);
  await until("the peer is gone", async () => {
    const found = await get(client, tenant, id);
    await found.body?.cancel();
    return found.status === 404;
  }, { timeoutMs: 60_000 });
}
