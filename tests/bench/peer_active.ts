import { stack, tenantOn } from "../support/stack.ts";
import { bareCreation } from "./bare_creation.ts";
import { compare, median, type Result } from "./measure.ts";
import { createPeer, operatorClient } from "./operator_client.ts";

const tries = 60;
const warmUp = 5;

/**
 * From POST to an answer that says `active`, through the real API and the real daemon, against the least that
 * any implementation has to do: one INSERT and one \`wg set\` with a preshared key, in the same namespace. On an interface
 * without peers; `wireguard-scale` does the same at 1,000 and 10,000.
 */
export async function peerActive(): Promise<Result[]> {
  await using made = await stack();
  await made.daemon.start();
  await made.startApi();
  const tenant = await tenantOn(made, "bench");
  await using bare = await bareCreation(made.net, "server");
  using client = operatorClient(made);
  const measured: number[] = [];
  const references: number[] = [];
  for (let index = -warmUp; index < tries; index++) {
    const start = performance.now();
    await createPeer(client, tenant.id, { active: true });
    const took = performance.now() - start;
    const bareTook = await bare.create();
    if (index < 0) continue;
    measured.push(took);
    references.push(bareTook);
  }
  return [compare({
    name: "one peer from POST to active against one wg set and one INSERT, p50",
    unit: "ms",
    value: median(measured),
    reference: median(references),
    bar: { most: 5 },
  })];
}
