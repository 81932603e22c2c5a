import assert from "node:assert/strict";
import { ask, peerOn, stack, type StackClient, tenantOn } from "../support/stack.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

function logIn(client: StackClient, who: { slug: string; email: string; password: string }) {
  return ask(client, "/api/v1/auth/login", {
    method: "POST",
    headers: { "X-Tenant-ID": who.slug },
    json: { email: who.email, password: who.password },
  });
}

Deno.test("T1: the API answers through the tunnel, and not at all outside it", async () => {
  await using made = await stack("client", "outsider");
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const { peer, config } = await peerOn(made, acme, { user_id: acme.adminId });
  assert.equal(peer.status, "active");
  await using client = await made.client("client", config);

  const login = await logIn(client, acme);
  assert.equal(login.status, 200);
  const me = await ask(client, "/api/v1/auth/me", {
    headers: { Authorization: `Bearer ${login.body.access_token}` },
  });
  assert.equal(me.status, 200);
  assert.equal(me.body.email, acme.email);
  // Of the daemon, a tenant's admin sees nothing that counts other tenants' peers.
  const status = await ask(client, "/api/v1/wireguard/status", {
    headers: { Authorization: `Bearer ${login.body.access_token}` },
  });
  assert.equal(status.body.peers.applied, 1);
  assert.equal(status.body.interface_counts, null);
  const { body: everything } = await made.operator("/wireguard/status");
  assert.equal(everything.interface_counts.applied, 1);
  const info = await ask(client, "/api/v1/info");
  assert.deepEqual(info.body.caller, {
    via: "tunnel",
    address: peer.address,
    peer_id: peer.id,
    tenant_id: acme.id,
  });

  // The outsider sends the very packets to the same host, once with its own address and once with the peer's.
  const outside = (...command: string[]) => made.net.exec("outsider", command);
  await outside("ip", "route", "add", "10.10.0.0/24", "via", made.net.address("server"));
  await outside("ip", "address", "add", `${peer.address}/32`, "dev", "lo");
  for (const source of [made.net.address("outsider"), peer.address]) {
    const { code, stdout } = await outside(
      ...["timeout", "2", "bash", "-c"],
      `exec 3<>/dev/tcp/10.10.0.2/8000 && echo connected from ${source}`,
    );
    assert.equal(stdout, "");
    assert.notEqual(code, 0);
  }
});

Deno.test("T3: revoking answers removed only when the tunnel is cut, established flows included", async () => {
  await using made = await stack("client");
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const { peer, config } = await peerOn(made, acme);
  await using client = await made.client("client", config);
  assert.equal((await ask(client, "/health")).status, 200);
  const gone = await made.operator(`/wireguard/peers/${peer.id}`, {
    method: "DELETE",
    tenant: acme.id,
  });
  assert.deepEqual(gone, { status: 200, body: { removed: true } });
  const { peers } = await made.daemon.dump();
  assert(!peers.has(peer.public_key));
  assert.deepEqual(await client.request("/health", { timeoutMs: 2_000 }), {
    error: "TimeoutError",
  });
  assert.equal(
    (await made.operator(`/wireguard/peers/${peer.id}`, { tenant: acme.id })).status,
    404,
  );
});

/** When the last echo came back, in ms after the change, without those in which the machine stood still. */
async function lastEchoAfter(
  made: Awaited<ReturnType<typeof stack>>,
  change: () => Promise<unknown>,
): Promise<number> {
  const [program = "", ...args] = made.net.argv("client", [
    ...["ping", "-D", "-n", "-i", "0.05", "-W", "1", "10.10.0.2"],
  ]);
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "null" }).spawn();
  const times: number[] = [];
  const listening = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      for (const match of text.matchAll(/^\[(\d+\.\d+)\] .* icmp_seq=/gm)) {
        times.push(Number(match[1]) * 1000);
      }
    }
  })();
  try {
    await until("the tunnel carries echoes", () => times.length >= 5);
    await change();
    using watch = stopwatch();
    const committed = Date.now();
    await until("the echoes stopped", () => {
      return Date.now() - Math.max(...times, committed) > 1_500;
    }, { timeoutMs: 6_000 });
    return Math.max(...times) - committed - watch.lost();
  } finally {
    child.kill("SIGKILL");
    await Promise.all([listening, child.status]);
  }
}

Deno.test("T3: a deactivated user, a suspended tenant, a disabled and an expired peer lose the tunnel within 1 s", async (t) => {
  await using made = await stack("client");
  await made.daemon.start();
  await made.startApi();
  const changes: Record<
    string,
    (tenant: { id: number; userId: number }, peerId: string) => Promise<unknown>
  > = {
    "deactivated user": ({ id, userId }) =>
      made.db
        .owner`update users set status = 'inactive' where tenant_id = ${id} and id = ${userId}`,
    "suspended tenant": ({ id }) =>
      made.db.owner`update tenants set status = 'suspended' where id = ${id}`,
    "disabled peer": ({ id }, peerId) =>
      made.operator(`/wireguard/peers/${peerId}/disable`, { method: "POST", tenant: id }),
    "expired peer": async (_, peerId) => {
      // The clock brings this change: nobody commits anything at that moment.
      await made.db
        .owner`update wg_peers set expires_at = now() + interval '2 seconds' where id = ${peerId}`;
      const [row] = await made.db.owner`select expires_at from wg_peers where id = ${peerId}`;
      await until("the peer expires", () => Date.now() >= row?.expires_at.getTime());
    },
  };
  let n = 0;
  for (const [name, change] of Object.entries(changes)) {
    await t.step(name, async () => {
      const tenant = await tenantOn(made, `tenant${n++}`);
      // Not the admin: a tenant keeps its last one.
      const { body: bob } = await made.operator("/users", {
        tenant: tenant.id,
        json: { email: `bob@${tenant.slug}.example` },
      });
      const userId = bob.user.id;
      const { peer, config } = await peerOn(made, tenant, { user_id: userId });
      await using _client = await made.client("client", config);
      const last = await lastEchoAfter(made, () => change({ id: tenant.id, userId }, peer.id));
      assert(last < 1_000, `an echo came ${last} ms after`);
      const { status, body } = await made.operator(`/wireguard/peers/${peer.id}`, {
        tenant: tenant.id,
      });
      assert.equal(status, 200);
      assert.equal(body.status, name === "expired peer" ? "expired" : "disabled");
    });
  }
});

Deno.test("T2: peers created while the daemon is down are pending, and active by themselves when it returns", async () => {
  await using made = await stack("client");
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  await made.daemon.end("SIGKILL");
  const { peer, config } = await peerOn(made, acme);
  assert.equal(peer.status, "pending");
  const status = await made.operator("/wireguard/status", { tenant: acme.id });
  assert.equal(status.body.daemon, "unreachable");
  assert.equal(status.body.peers.pending, 1);
  await made.daemon.start({ ready: false });
  await until("the peer is active", async () => {
    const { body } = await made.operator(`/wireguard/peers/${peer.id}`, { tenant: acme.id });
    return body.status === "active";
  });
  await using client = await made.client("client", config);
  assert.equal((await ask(client, "/health")).status, 200);
});

Deno.test("listenTcp: an API that starts before the interface answers once it comes, and again after it was made anew", async () => {
  await using made = await stack("client");
  await made.startApi();
  await until("the API says that it waits", () => {
    return made.log.some((line) => line.includes("waiting for the address"));
  });
  const acme = await tenantOn(made, "acme");
  await made.daemon.start();
  const { config } = await peerOn(made, acme);
  await using client = await made.client("client", config);
  await until("the API answers", async () => {
    return "status" in await client.request("/health", { timeoutMs: 1_000 });
  }, { timeoutMs: 60_000 });
  await made.daemon.ip("link", "delete", made.daemon.name);
  await until("the interface is back", async () => (await made.daemon.dump()).peers.size === 1);
  await until("the API answers again", async () => {
    return "status" in await client.request("/health", { timeoutMs: 1_000 });
  }, { timeoutMs: 60_000 });
});

Deno.test("rotate: at once: the new file works at the old address, and the old one leads nowhere", async () => {
  await using made = await stack("client");
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const before = await peerOn(made, acme);
  const { status, body: after } = await made.operator(`/wireguard/peers/${before.peer.id}/rotate`, {
    tenant: acme.id,
    json: { overlap_seconds: 0 },
  });
  assert.equal(status, 200);
  assert.equal(after.peer.status, "active");
  assert.equal(after.peer.address, before.peer.address);
  const { peers } = await made.daemon.dump();
  assert.deepEqual([...peers.keys()], [after.peer.public_key]);
  await using _ = await (async () => {
    await using stale = await made.client("client", before.config);
    assert.deepEqual(await stale.request("/health", { timeoutMs: 2_000 }), {
      error: "TimeoutError",
    });
    return new AsyncDisposableStack();
  })();
  await using client = await made.client("client", after.config);
  assert.equal((await ask(client, "/health")).status, 200);
});

Deno.test("T10: another tenant's token, log-in and name are refused on the wire, and audited with the peer's tenant", async () => {
  await using made = await stack("client", "other");
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const other = await tenantOn(made, "other");
  await using acmeClient = await made.client("client", (await peerOn(made, acme)).config);
  await using otherClient = await made.client("other", (await peerOn(made, other)).config);
  const token = (await logIn(acmeClient, acme)).body.access_token;
  const stolen = await ask(otherClient, "/api/v1/auth/me", {
    headers: { Authorization: `Bearer ${token}` },
  });
  const login = await logIn(otherClient, acme);
  for (const reply of [stolen, login]) {
    assert.equal(reply.status, 403);
    assert.equal(reply.body.code, "wrong_tunnel");
  }
  const rows = await made.db.owner`select tenant_id from audit_log where action = 'tunnel.refuse'`;
  assert.deepEqual(rows.map((row) => row.tenant_id), [other.id, other.id]);
});
