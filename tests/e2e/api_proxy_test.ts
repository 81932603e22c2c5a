import assert from "node:assert/strict";
import { peerOn, type StackClient, stackOn, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";

async function info(client: StackClient, forwardedFor?: string) {
  const outcome = await client.request("/api/v1/info", {
    headers: forwardedFor === undefined ? {} : { "X-Forwarded-For": forwardedFor },
  });
  assert("status" in outcome, Deno.inspect(outcome));
  return outcome;
}

Deno.test("T10: behind a proxy in the tunnel, each peer is itself, whatever it claims, and nobody comes in beside it", async () => {
  await using made = await stackOn(
    { env: { API_LISTEN: "loopback", TRUSTED_PROXIES: "127.0.0.1" } },
    ...["client", "other", "outsider"],
  );
  await made.daemon.start();
  await made.startApi();
  const [program = "", ...args] = made.net.argv("server", [
    ...[Deno.execPath(), "run", "--allow-net", "tests/support/tunnel_proxy.ts"],
    ...["10.10.0.2", "8000"],
  ]);
  await using proxy = new Deno.Command(program, { args }).spawn();
  const acme = await tenantOn(made, "acme");
  const rival = await tenantOn(made, "rival");
  const mine = await peerOn(made, acme);
  const theirs = await peerOn(made, rival);
  await using client = await made.client("client", mine.config);
  await using other = await made.client("other", theirs.config);
  await until("the proxy answers", async () => (await info(client)).status === 200);

  for (const forged of [undefined, theirs.peer.address, `${theirs.peer.address}, 127.0.0.1`, "x"]) {
    const { status, body } = await info(client, forged);
    assert.deepEqual([status, body.caller?.peer_id], [200, mine.peer.id], forged);
  }
  assert.equal((await info(other)).body.caller.peer_id, theirs.peer.id);

  // The host's own users reach the API, and are nobody there unless they speak as the proxy.
  const onHost = (command: string) => made.net.run("server", ["bash", "-c", command]);
  const direct = await onHost(
    `exec 3<>/dev/tcp/127.0.0.1/8000
     printf 'GET /api/v1/info HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3`,
  );
  assert.match(direct, /^HTTP\/1.1 403 /);
  assert.match(direct, /wrong_tunnel/);
  // And from outside there is no more to reach than before.
  const outside = await made.net.exec("outsider", [
    ...["timeout", "2", "bash", "-c"],
    `exec 3<>/dev/tcp/${made.net.address("server")}/8000 && echo connected`,
  ]);
  assert.equal(outside.stdout, "");
  proxy.kill();
});
