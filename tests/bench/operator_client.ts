import type { Stack } from "../support/stack.ts";

/** A client of the operator's socket that keeps its connection. */
export function operatorClient({ daemon }: Stack): Deno.HttpClient {
  return Deno.createHttpClient({
    proxy: { transport: "unix", path: `${daemon.folder}/operator/api.sock` },
  });
}

const url = "http://localhost/api/v1/wireguard/peers";

/** @returns the peer's id. @throws where it is not made, or, if asked for, not active in the answer */
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
  if (response.status !== 201 || (active && body.peer.status !== "active")) {
    throw new Error(`no peer: ${response.status} ${JSON.stringify(body.peer ?? body)}`);
  }
  return body.peer.id;
}

/** @throws where it is not proven gone */
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
  if (response.status !== 200 || body.removed !== true) {
    throw new Error(`not removed: ${response.status} ${JSON.stringify(body)}`);
  }
}
