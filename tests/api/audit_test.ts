import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  type Persona,
  type RequestOptions,
  superadminOf,
  type TestApi,
  testApi,
} from "../support/api.ts";
import { fillPath, isPublic, operations } from "../support/operations.ts";
import { reviver } from "../support/reviver.ts";
import { databaseDigest } from "../support/database_digest.ts";
import { sideOf, takesCode } from "../support/two_tenants.ts";

const base = "/api/v1/wireguard/peers";

interface Change {
  action: string;
  target?: string;
  call: () => ReturnType<TestApi["request"]>;
}

/** Every operation that changes something, with what it acts on made already. */
async function changes(api: TestApi, acme: Persona): Promise<Record<string, Change>> {
  const as = { via: loopback, token: acme.token };
  const ask = (path: string, more: RequestOptions) => () => api.request(path, { ...as, ...more });
  const peer = async (body: Record<string, unknown> = {}) => {
    const made = await api.request(base, { ...as, body: { name: "peer", ...body } });
    assert.equal(made.status, 201, made.text);
    return made.body;
  };
  const one = (await peer()).peer.id;
  const gone = (await peer()).peer.id;
  const waiting = await peer({ delivery: "link" });
  return {
    "create a peer": { action: "peer.create", call: ask(base, { body: { name: "new" } }) },
    "create peers in bulk": {
      action: "peer.create_bulk",
      call: ask(`${base}/bulk`, { body: { peers: [{ name: "a" }, { name: "b" }] } }),
    },
    "change a peer": {
      action: "peer.update",
      target: one,
      call: ask(`${base}/${one}`, { method: "PATCH", body: { name: "renamed" } }),
    },
    "rotate a peer": {
      action: "peer.rotate",
      target: one,
      call: ask(`${base}/${one}/rotate`, { body: {} }),
    },
    "disable a peer": {
      action: "peer.disable",
      target: one,
      call: ask(`${base}/${one}/disable`, { method: "POST" }),
    },
    "enable a peer": {
      action: "peer.enable",
      target: one,
      call: ask(`${base}/${one}/enable`, { method: "POST" }),
    },
    "remove a peer": {
      action: "peer.delete",
      target: gone,
      call: ask(`${base}/${gone}`, { method: "DELETE" }),
    },
    "redeem a delivery": {
      action: "delivery.redeem",
      target: waiting.peer.id,
      call: ask("/api/v1/wireguard/deliveries", {
        tenant: "acme",
        body: { token: waiting.delivery.token },
      }),
    },
    "create a user": {
      action: "user.create",
      call: ask("/api/v1/users", { body: { email: "bob@acme.example" } }),
    },
    "invite a user": {
      action: "user.invite",
      call: ask("/api/v1/users/invitations", {
        body: { email: "eve@acme.example", enrolment: false },
      }),
    },
    "create a tenant": {
      action: "tenant.create",
      call: () =>
        api.request("/api/v1/tenants", {
          body: {
            slug: "other",
            name: "Other",
            admin_email: "admin@other.example",
            is_platform: true,
          },
        }),
    },
    "change the tenant": {
      action: "tenant.update",
      target: String(acme.tenantId),
      call: ask("/api/v1/tenants/current", { method: "PATCH", body: { user_peer_quota: 9 } }),
    },
    "log in": {
      action: "auth.login",
      target: String(acme.userId),
      call: () =>
        api.request("/api/v1/auth/login", {
          via: loopback,
          tenant: "acme",
          body: { email: acme.email, password: acme.password },
        }),
    },
    // Last: the token of the others ends with it.
    "log out": {
      action: "auth.logout",
      call: ask("/api/v1/auth/logout", { method: "POST" }),
    },
  };
}

Deno.test("app: D1: every change writes its audit entry, and without the entry there is no change", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db.owner.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'no entry'; end $$;
    create trigger refuse before insert on audit_log for each row execute function refuse();
    alter table audit_log disable trigger refuse`);
  for (const [name, { action, target, call }] of Object.entries(await changes(api, acme))) {
    await t.step(name, async () => {
      await api.db.owner`alter table audit_log enable trigger refuse`;
      const before = await databaseDigest(api.db);
      const logged = api.log.length;
      assert.equal((await call()).status, 500);
      assert.deepEqual(await databaseDigest(api.db), before);
      assert(
        api.log.slice(logged).some((line) => JSON.parse(line).level === "critical"),
        "somebody is woken",
      );

      await api.db.owner`alter table audit_log disable trigger refuse`;
      const reply = await call();
      assert(reply.status < 300, reply.text);
      const entries = await api.db.owner`
        select action, outcome, target_id from audit_log
        where request_id = ${reply.headers.get("x-request-id")}`;
      assert.deepEqual(entries.map((entry) => [entry.action, entry.outcome]), [[
        action,
        "succeeded",
      ]]);
      if (target !== undefined) assert.equal(entries[0]?.target_id, target);
    });
  }
});

/** What does nothing when it is asked as here; each has a test of its own that finds its entry. */
const withoutEntry: Record<string, string> = {
  "DELETE /api/v1/tenants/{id}": "only a suspended tenant is removed",
  "POST /api/v1/encryption/reseal": "nothing is sealed under an older key",
  "POST /api/v1/mfa/reseal": "nothing is sealed under an older key",
  "POST /api/v1/users/{id}/mfa/reset": "the user has no factor yet",
  "POST /api/v1/wireguard/gateways/{id}/key-announcement":
    "the gateway has no key and no peers yet",
  "POST /api/v1/wireguard/peers/{id}/move": "there is no other gateway",
  "POST /api/v1/wireguard/held-keys/release": "needs the daemon, who holds the keys",
  "POST /api/v1/wireguard/import": "changes nothing unless it is told to apply",
};

Deno.test("app: D1: every operation that changes something is audited, or changes nothing", async () => {
  await using api = await testApi({ network: "10.10.0.0/20" });
  // What concerns the installation is in the audit log of its tenant.
  await superadminOf(api);
  const side = await sideOf(api, "acme");
  await api.db.owner.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'no entry'; end $$;
    create trigger refuse before insert on audit_log for each row execute function refuse();
    alter table audit_log disable trigger refuse`);
  const revive = await reviver(api, side.persona);
  const silent: string[] = [];
  let audited = 0;
  for (const operation of await operations(api)) {
    if (operation.method === "GET" || isPublic(operation) || takesCode(operation)) continue;
    await revive();
    const ask = () =>
      api.request(path, {
        ...side.caller(operation),
        method: operation.method,
        ...(operation.body ? { body: side.bodyFor(operation) } : {}),
      });
    const path = fillPath(operation, await side.pathIds(operation));
    await api.db.owner`alter table audit_log enable trigger refuse`;
    const before = await databaseDigest(api.db);
    const logged = api.log.length;
    const refused = await ask();
    assert.deepEqual(await databaseDigest(api.db), before, `${operation.name} without its entry`);
    await api.db.owner`alter table audit_log disable trigger refuse`;
    const reply = await ask();
    const [{ n }] = await api.db.owner<[{ n: number }]>`
      select count(*)::integer as n from audit_log where request_id = ${
      reply.headers.get("x-request-id")
    }`;
    if (reply.status >= 300 || n === 0) {
      if (!(operation.name in withoutEntry)) silent.push(`${operation.name} ${reply.status} ${n}`);
      continue;
    }
    assert.equal(refused.status, 500, operation.name);
    assert(
      api.log.slice(logged).some((line) => JSON.parse(line).level === "critical"),
      operation.name,
    );
    audited++;
  }
  assert.deepEqual(silent, []);
  assert(audited >= 25, `${audited} were audited`);
});

Deno.test("app: D1: an entry that cannot be written is counted, for whoever watches", async () => {
  await using api = await testApi({ inProcess: "reads the counters of one process" });
  const acme = await adminOf(api, "acme");
  await api.db.owner.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'no entry'; end $$;
    create trigger refuse before insert on audit_log for each row execute function refuse()`);
  for (let n = 1; n <= 2; n++) {
    const as = { via: loopback, token: acme.token };
    assert.equal((await api.request(base, { ...as, body: { name: "peer" } })).status, 500);
    const count = new RegExp(`^massacorp_api_audit_failures_total ${n}$`, "m");
    assert.match((await api.request("/metrics")).text, count);
  }
});

Deno.test("app: D1: a change that fails after its audit entry leaves no entry", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db.owner.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'no file'; end $$;
    create trigger refuse before insert on wg_deliveries for each row execute function refuse()`);
  const before = await databaseDigest(api.db);
  const reply = await api.request(base, {
    via: loopback,
    token: acme.token,
    body: { name: "peer", delivery: "link" },
  });
  assert.equal(reply.status, 500);
  assert.deepEqual(await databaseDigest(api.db), before);
});
