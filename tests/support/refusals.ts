import assert from "node:assert/strict";
import { balancerPlace } from "./balanced.ts";
import { loopback, type Reply, type RequestOptions, type TestApi } from "./api.ts";
import { type Contract, readContract } from "./contract.ts";
import { type Operation, unknownPath } from "./operations.ts";
import { databaseDigest } from "./database_digest.ts";

let contract: Promise<Contract> | undefined;

/** The committed document knows the answer: an operation names every code that it refuses by. */
export async function assertInContract(
  method: string,
  path: string,
  { status, headers, body }: Pick<Reply, "status" | "headers" | "body">,
): Promise<void> {
  const faultsOf = await (contract ??= readContract());
  const type = headers.get("content-type")?.split(";")[0];
  assert.deepEqual(faultsOf({ method, path, status, type, body }), []);
}

/**
 * Refusals of one operation, each a problem document with a stable code and the headers of every answer, which
 * between them changed nothing.
 */
export async function assertRefused(
  api: TestApi,
  operation: Operation,
  requests: Record<string, RequestOptions>,
  expected: { status: number; code: string; writes?: string[] },
): Promise<Reply[]> {
  const except = expected.writes ?? [];
  const before = await databaseDigest(api.db, { except });
  const replies: Reply[] = [];
  const path = unknownPath(operation);
  for (const [about, each] of Object.entries(requests)) {
    const reply = await api.request(path, { method: operation.method, via: loopback, ...each });
    assert.equal(reply.status, expected.status, `${operation.name} ${about}: ${reply.text}`);
    assert.equal(reply.headers.get("content-type"), "application/problem+json");
    assert.equal(reply.body.code, expected.code, `${operation.name} ${about}`);
    assert.equal(reply.body.status, expected.status);
    assert.equal(reply.body.type, `urn:massacorp:problem:${expected.code}`);
    assert.equal(reply.body.request_id, reply.headers.get("x-request-id"));
    await assertInContract(operation.method, path, reply);
    if (expected.status === 401) assert(reply.headers.has("www-authenticate"));
    assertCommonHeaders(reply, { limited: (each.via ?? loopback).listener !== "operator" });
    replies.push(reply);
  }
  const after = await databaseDigest(api.db, { except });
  assert.deepEqual(after, before, `${operation.name} changed nothing`);
  return replies;
}

/** What every answer carries, refusals too. @param options.limited whether its caller has a quota */
export function assertCommonHeaders(
  { headers }: Pick<Reply, "headers">,
  { limited }: { limited: boolean },
): void {
  assert.match(headers.get("x-request-id") ?? "", /^[A-Za-z0-9._-]{8,64}$/);
  assert.match(headers.get("x-response-time") ?? "", /^\d+\.\dms$/);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("x-frame-options"), "DENY");
  assert.equal(headers.get("referrer-policy"), "no-referrer");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(
    headers.get("content-security-policy"),
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
  assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
  assert.match(headers.get("permissions-policy") ?? "", /camera=\(\), .*usb=\(\)/);
  for (const name of ["strict-transport-security", "access-control-allow-origin"]) {
    assert.equal(headers.get(name), null, name);
  }
  // Where nginx stands in front it says so, and not in which version.
  const server = headers.get("server");
  assert(server === null || (balancerPlace() && server === "nginx"), String(server));
  if (limited) {
    const [, name, quota] =
      /^"([a-z-]+)";q=(\d+);w=60$/.exec(headers.get("ratelimit-policy") ?? "") ?? [];
    const [, of, left] = /^"([a-z-]+)";r=(\d+);t=\d+$/.exec(headers.get("ratelimit") ?? "") ?? [];
    assert(name !== undefined && name === of && Number(left) <= Number(quota));
  }
}
