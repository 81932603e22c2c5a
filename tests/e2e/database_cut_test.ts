import assert from "node:assert/strict";
import { holdingProxy } from "../support/holding_proxy.ts";
import { peerOn, stackOn, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { assertWhole } from "../support/whole.ts";

Deno.test("D2, T8: the connection to the database cut under load and restored: all that was acknowledged is there, and all recovers by itself", async (t) => {
  const env: Record<string, string> = {};
  await using made = await stackOn({ env });
  const { daemon, db } = made;
  await using proxy = await holdingProxy(db.url("massacorp_api"));
  const folder = new URL(proxy.url.reveal()).searchParams.get("host") ?? assert.fail();
  const through = (role: "massacorp_api" | "massacorp_platform" | "massacorp_wgd") => {
    const url = new URL(db.url(role).reveal());
    url.searchParams.set("host", folder);
    return url.href;
  };
  env.DATABASE_URL = through("massacorp_api");
  env.DATABASE_PLATFORM_URL = through("massacorp_platform");
  env.WGD_DATABASE_URL = through("massacorp_wgd");
  await daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const created = new Set<string>();
  const removed = new Set<string>();
  const changes = async () => {
    const [row] = await db.owner<[{ n: number }]>`
      select count(*)::int as n from audit_log where action in ('peer.create', 'peer.delete')`;
    return row.n;
  };

  /** Creations without a break and removals, cut off once some are answered; what was answered has to hold. */
  async function underLoad(interrupt: (committedOnly: () => Promise<boolean>) => unknown) {
    const standing = (await peerOn(made, acme)).peer;
    const going = await Promise.all(Array.from({ length: 10 }, () => peerOn(made, acme)));
    created.add(standing.id);
    const before = await changes();
    const statuses: number[] = [];
    const succeeded = () => statuses.filter((status) => status < 300).length;
    const some = Promise.withResolvers<void>();
    // deno-lint-ignore no-explicit-any
    const ask = async (path: string, call: object, done: (body: any) => void) => {
      const { status, body } = await made.operator(path, { tenant: acme.id, ...call });
      statuses.push(status);
      if (succeeded() >= 3) some.resolve();
      if (status < 300) done(body);
      else assert.equal(status, 503, JSON.stringify(body));
      return status;
    };
    /** One after the other until it is cut off, so that the cut finds some under way however fast they are. */
    const create = async (name: string) => {
      const call = { json: { name } };
      while (await ask("/wireguard/peers", call, ({ peer }) => created.add(peer.id)) < 300);
    };
    const calls = Promise.all([
      ...Array.from({ length: 20 }, (_, n) => create(`peer ${n}`)),
      ...going.map(({ peer }) =>
        ask(`/wireguard/peers/${peer.id}`, { method: "DELETE" }, () => removed.add(peer.public_key))
      ),
    ]);
    await some.promise;
    await interrupt(async () => await changes() - before > succeeded());
    proxy.cut();
    await calls;
    assert.ok(statuses.includes(503), "some were cut off");
    const list = () => made.operator("/wireguard/peers", { tenant: acme.id });
    assert.equal((await list()).status, 503);
    // After failures it waits up to 4 s for its next pass, and the driver tries to connect for 5 s before that is a loss.
    await until(
      "the daemon knows",
      async () => (await daemon.client.status()).database === "disconnected",
      { timeoutMs: 60_000 },
    );
    assert.ok((await daemon.dump()).peers.has(standing.public_key), "the tunnel is kept");
    const committed = await changes() - before;
    proxy.restore();
    await until("the API answers again", async () => (await list()).status === 200);
    await assertWhole(daemon, { created, removed, audited: true });
    const { peer } = await peerOn(made, acme);
    created.add(peer.id);
    await daemon.untilState({ ...peer, tenantId: acme.id }, "applied");
    return { committed, told: succeeded() };
  }

  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  await step("in the middle of what it carries", async () => {
    await underLoad(() => {});
  });
  await step("between commit and answer", async () => {
    const { committed, told } = await underLoad(async (committedOnly) => {
      proxy.holdCommits();
      await until("something is committed that nobody was told of", committedOnly);
    });
    assert.ok(committed > told, `${committed} were committed, ${told} were told`);
  });
});
