import assert from "node:assert/strict";
import { type Stack, stackOn, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { assertAddresses, assertWhole, interfaceLines } from "../support/whole.ts";
import { Model, type ModelTenant, type View, viewOfPeer } from "./model.ts";

const env = {
  // Addresses come round within a run; nobody is held back for asking often.
  WG_ADDRESS_REST: "1s",
  RATE_LIMIT_AUTHENTICATED: "1000000",
  RATE_LIMIT_POLICY: "1000000",
};

/** The real stack, for one run of commands after the other. */
export interface World extends AsyncDisposable {
  readonly stack: Stack;
  /** Executed, and left out because the model did not allow them then. */
  readonly steps: number;
  /** Two tenants that have nothing, on a stack that has nothing else. */
  begin(): Promise<Model>;
  /** Waits until the stack shows what the model says, and does not wait for more. */
  settle(model: Model): Promise<void>;
  /** After a run: all holds, and nothing is left of it. */
  end(model: Model): Promise<void>;
}

export async function createWorld(): Promise<World> {
  await using undo = new AsyncDisposableStack();
  const stack = undo.use(await stackOn({ env }));
  const { daemon, db } = stack;
  await daemon.start();
  await stack.startApi();
  const owned = undo.move();
  let steps = 0;
  let tenants = 0;

  async function tenant(): Promise<ModelTenant> {
    const { id } = await tenantOn(stack, `model-${++tenants}`);
    const { status, body } = await stack.operator("/users", {
      tenant: id,
      json: { email: `owner@model-${tenants}.example` },
    });
    assert.equal(status, 201, JSON.stringify(body));
    return { id, ownerId: body.user.id, active: true, ownerActive: true };
  }

  async function view(model: Model): Promise<View> {
    const retired = await db.owner<{ public_key: string }[]>`
      select public_key from wg_retired_keys order by public_key`;
    const lists = await Promise.all(model.tenants.map(async ({ id }) => {
      const { status, body } = await stack.operator("/wireguard/peers?limit=200", { tenant: id });
      assert.equal(status, 200, JSON.stringify(body));
      // deno-lint-ignore no-explicit-any
      return body.items.map((peer: any) =>
        viewOfPeer({
          ...peer,
          successor_public_key: peer.rotation?.successor_public_key ?? null,
        })
      ) as string[];
    }));
    return {
      interface: await interfaceLines(daemon).catch(() => null),
      peers: lists.flat().sort(),
      retired: retired.map(({ public_key }) => public_key),
    };
  }

  return {
    stack,
    get steps() {
      return steps;
    },
    async begin() {
      return new Model([await tenant(), await tenant()]);
    },
    async settle(model) {
      steps++;
      let expected = model.view();
      let found: View | undefined;
      try {
        await until("the stack shows what the model says", async () => {
          found = await view(model);
          expected = model.view();
          return JSON.stringify(found) === JSON.stringify(expected);
        }, { timeoutMs: 60_000, everyMs: 5 });
      } catch (error) {
        assert.deepEqual(found, expected, `${error instanceof Error ? error.message : error}`);
      }
      await assertAddresses(daemon);
    },
    async end(model) {
      if (!model.daemonRuns) await daemon.start();
      model.daemonRuns = true;
      await db.owner`update tenants set status = 'active' where status <> 'active'`;
      const created = model.peers.filter(({ isDeleted }) => !isDeleted).map(({ id }) => id);
      await assertWhole(daemon, { created, audited: true });
      const [row] = await db.owner`select count(*)::int as peers from wg_peers`;
      assert.equal(row?.peers, created.length);
      for (const { id, tenant } of model.peers) {
        await stack.operator(`/wireguard/peers/${id}`, { method: "DELETE", tenant: tenant.id });
      }
      await assertWhole(daemon, { audited: true });
      assert.equal((await daemon.dump()).peers.size, 0);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
