import assert from "node:assert/strict";
import { simpleParser } from "mailparser";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { ask, peerOn, type Stack, stack, type StackClient, tenantOn } from "../support/stack.ts";
import { uniqueInterface } from "../support/netns.ts";
import { codeAt } from "../support/totp.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";
import { addWireGuard } from "../support/wireguard.ts";

const password = "Correct-Horse-7-Battery";

/** The file of a peer with a key of one's own, that key put in. */
function withKey(config: string, privateKey: string): string {
  return config.replace(/^# PrivateKey = .*$/m, `PrivateKey = ${privateKey}`);
}

Deno.test("journey: T10: invited, through the enrolment peer with one's own key to a permanent one, two devices, one terminated, MFA, an API key", async () => {
  await using made = await stack("client", "phone");
  await made.daemon.start();
  await made.startApi();
  const { body: acme } = await made.operator("/tenants", {
    json: { slug: "acme", name: "Acme", admin_email: "ada@acme.example" },
  });
  assert.equal(acme.enrolment.peer.status, "active");
  const named = { "X-Tenant-ID": "acme" };
  const keys = await generateKeyPair();

  const accepted = await (async () => {
    await using client = await made.client("client", acme.enrolment.config);
    const elsewhere = await ask(client, "/api/v1/auth/login", {
      method: "POST",
      headers: named,
      json: { email: "ada@acme.example", password },
    });
    assert.deepEqual([elsewhere.status, elsewhere.body.code], [403, "enrolment_only"]);
    const reply = await ask(client, "/api/v1/users/invitations/accept", {
      method: "POST",
      headers: named,
      json: { token: acme.token, password, public_key: keys.publicKey },
    });
    assert.equal(reply.status, 201, JSON.stringify(reply.body));
    return reply.body;
  })();
  assert.deepEqual([accepted.peer.status, accepted.peer.user_id], ["active", accepted.user.id]);
  const onInterface = await made.daemon.dump();
  assert(onInterface.peers.has(keys.publicKey));
  const [enrolment] = await made.db.owner`
    select expires_at <= now() + interval '30 seconds' as ends from wg_peers
    where id = ${acme.enrolment.peer.id}`;
  assert.equal(enrolment?.ends, true);
  // Brought forward, so that nobody waits half a minute: its key goes at its end, by itself.
  await made.db.owner`update wg_peers set expires_at = now() where id = ${acme.enrolment.peer.id}`;
  await until("the enrolment peer is off the interface", async () => {
    return !(await made.daemon.dump()).peers.has(acme.enrolment.peer.public_key);
  });

  await using laptop = await made.client(
    "client",
    withKey(accepted.config, keys.privateKey.reveal()),
  );
  const logIn = async (device: StackClient, device_name: string) => {
    const reply = await ask(device, "/api/v1/auth/login", {
      method: "POST",
      headers: named,
      json: { email: "ada@acme.example", password, device_name },
    });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    return { Authorization: `Bearer ${reply.body.access_token}` };
  };
  const onLaptop = await logIn(laptop, "laptop");
  const added = await ask(laptop, "/api/v1/wireguard/me/peers", {
    method: "POST",
    headers: onLaptop,
    json: { name: "phone" },
  });
  assert.equal(added.body.peer?.status, "active", JSON.stringify(added.body));
  // The second device: another host, with a tunnel of its own.
  await using client = await made.client("phone", added.body.config);
  const phone = await logIn(client, "phone");
  const sessions = await ask(client, "/api/v1/sessions", { headers: phone });
  const seen = sessions.body.items.map((
    each: Record<string, unknown>,
  ) => [each["device_name"], each["peer_id"], each["current"]]);
  assert.deepEqual(seen, [
    ["phone", added.body.peer.id, true],
    ["laptop", accepted.peer.id, false],
  ]);
  const ended = await ask(client, `/api/v1/sessions/${sessions.body.items[1].id}`, {
    method: "DELETE",
    headers: phone,
  });
  assert.deepEqual(ended.body, { sessions_ended: 1 });
  // The session is over on whichever device; the laptop's tunnel goes on.
  for (const device of [laptop, client]) {
    assert.equal((await ask(device, "/api/v1/users/me", { headers: onLaptop })).status, 401);
  }
  assert.equal((await ask(laptop, "/api/v1/info")).status, 200);
  const me = await ask(client, "/api/v1/users/me", { headers: phone });
  assert.deepEqual([me.status, me.body.roles], [200, ["admin"]]);

  // A second factor, and in again with it: the step after, because one works once.
  const post = (path: string, json: unknown, headers: Record<string, string> = phone) =>
    ask(client, `/api/v1${path}`, { method: "POST", headers, json });
  const { body: setup } = await post("/mfa/setup", {});
  const enabled = await post("/mfa/enable", { code: codeAt(setup.secret, Date.now()) });
  assert.equal(enabled.body.recovery_codes?.length, 10, JSON.stringify(enabled.body));
  assert.equal((await post("/auth/logout", {})).status, 200);
  const credentials = { email: "ada@acme.example", password };
  const first = await post("/auth/login", credentials, named);
  assert.deepEqual([first.status, first.body.mfa_required], [200, true], JSON.stringify(first));
  const second = await post("/auth/login/mfa", {
    mfa_session_token: first.body.mfa_session_token,
    code: codeAt(setup.secret, Date.now() + 30_000),
  }, named);
  assert.equal(second.status, 200, JSON.stringify(second.body));
  const token = { Authorization: `Bearer ${second.body.access_token}` };

  const key = await post("/api-keys", { name: "script", scopes: ["users.read"] }, token);
  assert.equal(key.status, 201, JSON.stringify(key.body));
  const users = await ask(client, "/api/v1/users", { headers: { "X-API-Key": key.body.key } });
  assert.deepEqual(users.body.items.map((user: { email: string }) => user.email), [
    "ada@acme.example",
  ]);
});

Deno.test("journey: T10, A3: a password reset on a new device goes through an enrolment peer, and on to one's own", async () => {
  await using made = await stack("client");
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const { config } = await peerOn(made, acme, { kind: "enrolment", name: "new phone" });
  const waiting = await peerOn(made, acme, {
    user_id: acme.adminId,
    name: "phone",
    delivery: "link",
  });
  const named = { "X-Tenant-ID": "acme" };
  const keys = await generateKeyPair();
  const renewed = "Another-Horse-8-Battery";

  const redeemed = await (async () => {
    await using client = await made.client("client", config);
    const post = (path: string, json: unknown) =>
      ask(client, `/api/v1${path}`, { method: "POST", headers: named, json });
    assert.equal((await post("/password-reset/request", { email: acme.email })).status, 202);
    const folder = `${made.daemon.folder}/operator`;
    const file = await until("the mail is there", async () => {
      const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
      return names.find((name) => name.endsWith(".eml"));
    });
    const { text = "" } = await simpleParser(await Deno.readTextFile(`${folder}/${file}`));
    const token = /token=([A-Za-z0-9_-]{43})/.exec(text)?.[1] ?? "";
    const reset = () => post("/password-reset/confirm", { token, new_password: renewed });
    const done = await reset();
    assert.equal(done.status, 200, JSON.stringify(done.body));
    assert.equal((await reset()).status, 404, "once");
    const login = { email: acme.email, password: renewed };
    assert.equal((await post("/auth/login", login)).body.code, "enrolment_only");
    return await post("/wireguard/deliveries", {
      token: waiting.delivery.token,
      public_key: keys.publicKey,
    });
  })();
  assert.equal(redeemed.status, 200, JSON.stringify(redeemed.body));
  await using client = await made.client(
    "client",
    withKey(redeemed.body.config, keys.privateKey.reveal()),
  );
  const login = async (password: string) => {
    const reply = await ask(client, "/api/v1/auth/login", {
      method: "POST",
      headers: named,
      json: { email: acme.email, password },
    });
    return reply.status;
  };
  assert.deepEqual([await login(acme.password), await login(renewed)], [401, 200]);
});

/** A peer whose client sends an echo every 50 ms, on a host that has several. */
async function echoing(made: Stack, table: number, config: string) {
  const name = uniqueInterface();
  const address = /^Address = ([\d.]+)/m.exec(config)?.[1] ?? "";
  await addWireGuard(made.net, "client", name);
  await made.net.run("client", ["wg", "setconf", name, "/dev/stdin"], {
    // What wg(8) takes of the file, which is wg-quick(8)'s.
    stdin: config.replaceAll(/^(Address|MTU|DNS) = .*\n/gm, ""),
  });
  for (
    const command of [
      `address add ${address}/32 dev ${name}`,
      `link set ${name} up`,
      `route add 10.10.0.2/32 dev ${name} table ${table}`,
      `rule add from ${address} lookup ${table}`,
    ]
  ) await made.net.run("client", ["ip", ...command.split(" ")]);
  const [program = "", ...args] = made.net.argv("client", [
    ...["ping", "-D", "-n", "-i", "0.05", "-W", "1", "-I", address, "10.10.0.2"],
  ]);
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "null" }).spawn();
  const heard = { last: 0, count: 0 };
  const listening = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      for (const match of text.matchAll(/^\[(\d+\.\d+)\] .* icmp_seq=/gm)) {
        heard.last = Number(match[1]) * 1000;
        heard.count++;
      }
    }
  })();
  return {
    heard,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([listening, child.status]);
    },
  };
}

Deno.test("journey: T3: a tenant that is suspended with ten peers online loses all ten within 1 s, and has them back when it is resumed", async () => {
  await using made = await stack("client");
  await made.daemon.start();
  await made.startApi();
  const [acme, other] = [await tenantOn(made, "acme"), await tenantOn(made, "other")];
  await using undo = new AsyncDisposableStack();
  const online: { last: number; count: number }[] = [];
  for (let n = 0; n < 10; n++) {
    const { config } = await peerOn(made, acme);
    online.push(undo.use(await echoing(made, 100 + n, config)).heard);
  }
  const bystander = undo.use(
    await echoing(made, 200, (await peerOn(made, other)).config),
  ).heard;
  await until("all are online", () => [...online, bystander].every(({ count }) => count >= 5));

  using watch = stopwatch();
  const asked = Date.now();
  const suspended = await made.operator(`/tenants/${acme.id}/suspend`, { method: "POST" });
  assert.deepEqual([suspended.status, suspended.body.removed], [200, true]);
  const then = bystander.count;
  // As long as that takes, echoes would still come.
  await until("the other tenant's peer goes on", () => bystander.count >= then + 30);
  const stalledMs = watch.lost();
  const late = online.map(({ last }) => last - asked - stalledMs).filter((ms) => ms > 1_000);
  assert.deepEqual(late, []);

  const resumed = await made.operator(`/tenants/${acme.id}/resume`, { method: "POST" });
  assert.equal(resumed.status, 200);
  const back = online.map(({ count }) => count);
  await until(
    "all ten are back",
    () => online.every(({ count }, n) => count > (back[n] ?? 0)),
    { timeoutMs: 60_000 },
  );
});
