import assert from "node:assert/strict";
import {
  adminOf,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { seedPeers } from "../../../tests/support/peer_rows.ts";
import { peerStatuses } from "./policy.ts";

async function list(api: TestApi, who: Persona, query: string, path = "/wireguard/peers") {
  const reply = await api.request(`/api/v1${path}?${query}`, { token: who.token });
  assert.equal(reply.status, 200, reply.text);
  return reply.body;
}

/** All pages of a list, each of `limit`. */
async function pages(api: TestApi, who: Persona, query: string, limit = 7) {
  // deno-lint-ignore no-explicit-any
  const items: any[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const next: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await list(api, who, `limit=${limit}&${query}${next}`);
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}

Deno.test("list: every filter finds exactly the peers whose view says so, over all pages and in every order", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const other = await adminOf(api, "other");
  await seedPeers(api.db.owner, {
    tenantId: acme.tenantId,
    userIds: [acme.userId, bob.userId],
    count: 60,
    seed: 1,
    now: api.clock.now(),
  });
  await seedPeers(api.db.owner, {
    tenantId: other.tenantId,
    userIds: [other.userId],
    count: 20,
    seed: 2,
    now: api.clock.now(),
  });
  const all = await pages(api, acme, "");
  assert.equal(all.length, 60);
  const filters: [query: string, (peer: typeof all[number]) => boolean][] = [
    ["online=true", (peer) => peer.online],
    ["online=false", (peer) => !peer.online],
    ["kind=enrolment", (peer) => peer.kind === "enrolment"],
    ["kind=permanent", (peer) => peer.kind === "permanent"],
    [`user_id=${bob.userId}`, (peer) => peer.user_id === bob.userId],
    ["q=LAP", (peer) => peer.name.toLowerCase().includes("lap")],
    ["q=%25", (peer) => peer.name.includes("%")],
    ["q=_", (peer) => peer.name.includes("_")],
    ["q=%C3%89", (peer) => peer.name.toLowerCase().includes("é")],
    ...peerStatuses.map((status) =>
      [`status=${status}`, (peer: typeof all[number]) => peer.status === status] as [
        string,
        (peer: typeof all[number]) => boolean,
      ]
    ),
    [
      "status=active&online=true&kind=permanent",
      (peer) => peer.status === "active" && peer.online && peer.kind === "permanent",
    ],
  ];
  for (const [query, holds] of filters) {
    await t.step(query, async () => {
      const wanted = all.filter(holds);
      assert.ok(
        wanted.length > 0 && wanted.length < all.length,
        `${wanted.length} of ${all.length}`,
      );
      assert.deepEqual(await pages(api, acme, query), wanted);
    });
  }
  const bytes = (text: string) => new TextEncoder().encode(text).toHex();
  const byName = all.toSorted((a, b) =>
    bytes(a.name) < bytes(b.name) ? -1 : bytes(a.name) > bytes(b.name) ? 1 : a.id < b.id ? -1 : 1
  );
  assert.deepEqual(all, all.toSorted((a, b) => a.id < b.id ? -1 : 1));
  const ids = (of: typeof all) => of.map(({ id }) => id);
  assert.deepEqual(ids(await pages(api, acme, "sort=name")), ids(byName));
  assert.deepEqual(ids(await pages(api, acme, "sort=-name")), ids(byName.toReversed()));
  assert.deepEqual(ids(await pages(api, acme, "sort=-created_at")), ids(all.toReversed()));
  assert.deepEqual(
    ids(await pages(api, acme, "sort=name&status=active")),
    ids(byName.filter(({ status }) => status === "active")),
  );
  await t.step("self-service filters one's own, whatever owner is asked for", async () => {
    const own = await list(api, bob, `user_id=${acme.userId}&limit=200`, "/wireguard/me/peers");
    assert.deepEqual(ids(own.items), ids(all.filter(({ user_id }) => user_id === bob.userId)));
    const online = await list(api, bob, "online=true&limit=200", "/wireguard/me/peers");
    assert.deepEqual(
      ids(online.items),
      ids(own.items.filter(({ online }: { online: boolean }) => online)),
    );
  });
});

Deno.test("list: a page goes on after the last one, whatever comes and goes in between", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const seed = (seed: number, names: string[]) =>
    seedPeers(api.db.owner, {
      tenantId: acme.tenantId,
      userIds: [],
      count: names.length,
      names,
      seed,
      now: api.clock.now(),
    });
  await seed(1, ["c", "a", "e", "a"]);
  const first = await list(api, acme, "sort=name&limit=2");
  assert.deepEqual(first.items.map(({ name }: { name: string }) => name), ["a", "a"]);
  await seed(2, ["0", "d"]);
  await api.db.owner`update wg_peers set name = 'z' where name = 'a'`;
  const second = await list(api, acme, `sort=name&limit=2&cursor=${first.next_cursor}`);
  assert.deepEqual(second.items.map(({ name }: { name: string }) => name), ["c", "d"]);
});

Deno.test("list: what is no filter or no cursor is refused by its field", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await seedPeers(api.db.owner, {
    tenantId: acme.tenantId,
    userIds: [],
    count: 3,
    seed: 1,
    now: api.clock.now(),
  });
  const { next_cursor } = await list(api, acme, "limit=1");
  const code = (value: unknown) =>
    encodeURIComponent(
      new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url" }),
    );
  const id = "01890a5d-ac96-774b-bcce-b302099a8057";
  const cases: Record<string, string> = {
    "online=yes": "online",
    "online=": "online",
    "status=gone": "status",
    "kind=x": "kind",
    "user_id=0": "user_id",
    "user_id=99999999999": "user_id",
    "sort=address": "sort",
    "q=": "q",
    "q=%00": "q",
    [`q=${"x".repeat(65)}`]: "q",
    "cursor=x": "cursor",
    [`cursor=${next_cursor}&sort=name`]: "cursor",
    [`cursor=${code(["name", id, "a\0"])}&sort=name`]: "cursor",
    [`cursor=${code(["name", id])}&sort=name`]: "cursor",
    [`cursor=${code(["name", "x", "a"])}&sort=name`]: "cursor",
    [`cursor=${"x".repeat(601)}`]: "cursor",
  };
  for (const [query, field] of Object.entries(cases)) {
    await t.step(query.slice(0, 60), async () => {
      const reply = await api.request(`/api/v1/wireguard/peers?${query}`, { token: acme.token });
      assert.equal(reply.status, 422, reply.text);
      assert.deepEqual(reply.body.errors.map(({ path }: { path: string }) => path), [field]);
    });
  }
});
