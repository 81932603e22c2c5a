import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { socketFetch, type SocketRequest } from "../local/socket_http.ts";
import { type Client, createClient } from "./client.ts";
import { createHosts } from "./namespaces.ts";
import { svgToPbm } from "./qr_picture.ts";
import type { RequestOrder, RequestOutcome } from "./request.ts";
import { run } from "./run.ts";
import { startServer } from "./server.ts";
import { createSteps, DemoError, expect, type Steps } from "./steps.ts";

const network = "10.10.0.0/24";
const api = "http://10.10.0.2:8000";
const silenceMs = 2_000;

const peerMade = z.object({
  peer: z.object({ id: z.string(), name: z.string(), address: z.string(), status: z.string() }),
  config: z.string(),
  qr: z.object({ svg: z.string() }),
});
const tenantMade = z.object({
  tenant: z.object({ id: z.int(), slug: z.string() }),
  invitation: z.object({ email: z.string() }),
  token: z.string(),
  enrolment: peerMade,
});
const accepted = peerMade.extend({ user: z.object({ id: z.int(), email: z.string() }) });
const loggedIn = z.object({ access_token: z.string() });

/** From nothing to an authenticated answer through a real tunnel, on two hosts made for it. */
async function story({ step, end }: Steps, signal: AbortSignal): Promise<void> {
  const tag = crypto.randomUUID().slice(0, 5);
  await using undo = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "massacorp-demo-" });
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.chmod(folder, 0o711);

  const hosts = await step("two hosts with a cable between them", async (note) => {
    const made = undo.use(await createHosts(tag, network));
    note(`server ${made.serverAddress}, client ${made.clientAddress}, each a network namespace`);
    return made;
  });
  const client = undo.use(createClient(hosts.client, signal));

  const server = await step("the server starts from an empty folder", async (note) => {
    const started = undo.use(
      await startServer({
        namespace: hosts.server,
        dataFolder: join(folder, "data"),
        env: {
          WG_INTERFACE: `mcg${tag}`,
          WG_ENDPOINT: hosts.serverAddress,
          WGD_LOCK_FOLDER: folder,
        },
        signal,
      }),
    );
    started.said.forEach(note);
    return started;
  });
  const operator = <T>(path: string, status: number, shape: z.ZodType<T>, order: SocketRequest) =>
    answer(socketFetch(server.operatorSocket, path, order), status, shape);
  const tunnel = <T>(status: number, shape: z.ZodType<T>, order: Omit<RequestOrder, "timeoutMs">) =>
    answer(client.request({ ...order, timeoutMs: 10_000 }), status, shape);

  const invited = await step("the operator creates the tenant acme", async (note) => {
    const made = await operator("/api/v1/tenants", 201, tenantMade, {
      method: "POST",
      json: { slug: "acme", name: "Acme", admin_email: "admin@acme.example" },
    });
    const { tenant, invitation, enrolment, token } = made;
    note(`tenant ${tenant.id}, an invitation for ${invitation.email} and an enrolment peer`);
    expect(enrolment.peer.status === "active", `the peer is ${enrolment.peer.status}`);
    note(
      `${enrolment.peer.address}, ${enrolment.peer.status}: the interface has it`,
    );
    const file = join(folder, `mce${tag}.conf`);
    await Deno.writeTextFile(file, enrolment.config, { mode: 0o600 });
    return { token, file };
  });

  await step("without the tunnel the API does not answer", async (note) => {
    await expectSilence(client, { url: `${api}/health` });
    note(
      `GET ${api}/health, sent to the server outside the tunnel: silence for ${silenceMs / 1000} s`,
    );
  });

  await step(
    "wg-quick loads the enrolment peer's file on the client",
    () => client.load(invited.file),
  );

  const password = `Aa1!${crypto.randomUUID()}`;
  const acme = await step(
    "the admin accepts through it, and gets a peer of his own",
    async (note) => {
      const { user, peer, config } = await tunnel(201, accepted, {
        url: `${api}/api/v1/users/invitations/accept`,
        method: "POST",
        headers: { "x-tenant-id": "acme" },
        json: { token: invited.token, password, peer_name: "laptop" },
      });
      expect(peer.status === "active", `the peer is ${peer.status}`);
      note(`user ${user.id}, ${user.email}; ${peer.address} in the place of the enrolment peer`);
      const file = join(folder, `mca${tag}.conf`);
      await Deno.writeTextFile(file, config, { mode: 0o600 });
      return { user, peer: { id: peer.id, file } };
    },
  );
  const first = acme.peer;

  await step("wg-quick loads the file of that peer instead", () => client.load(first.file));

  const logIn = () =>
    tunnel(200, loggedIn, {
      url: `${api}/api/v1/auth/login`,
      method: "POST",
      headers: { "x-tenant-id": "acme" },
      json: { email: acme.user.email, password },
    });
  const bearer = async () => ({ authorization: `Bearer ${(await logIn()).access_token}` });
  const token = await step("the admin logs in through the tunnel", bearer);

  const second = await step("POST /api/v1/wireguard/peers, through the tunnel", async (note) => {
    const { peer, config, qr } = await tunnel(201, peerMade, {
      url: `${api}/api/v1/wireguard/peers`,
      method: "POST",
      headers: token,
      json: { name: "phone", user_id: acme.user.id },
    });
    expect(peer.status === "active", `the peer is ${peer.status}`);
    note(`${peer.address}, ${peer.status}, with a .conf and a QR code`);
    const file = join(folder, `mcb${tag}.conf`);
    await Deno.writeTextFile(file, config, { mode: 0o600 });
    return { id: peer.id, file, config, svg: qr.svg };
  });

  await step("a scanner reads the QR code", async (note) => {
    if (!(await isInstalled("zbarimg"))) return note("left out: zbarimg is not installed");
    const picture = join(folder, "qr.pbm");
    await Deno.writeTextFile(picture, svgToPbm(second.svg), { mode: 0o600 });
    const read = await run(["zbarimg", "--nodbus", "-q", "--raw", "-Sbinary", picture], { signal });
    expect(read === second.config, "the QR code says something else than the file");
    note(`byte for byte the .conf (${second.config.length} characters)`);
  });

  await step("wg-quick loads the second file instead of the first", () => client.load(second.file));

  await step("the first peer is revoked, through the second", async (note) => {
    const removed = z.object({ removed: z.literal(true) });
    await tunnel(200, removed, {
      url: `${api}/api/v1/wireguard/peers/${first.id}`,
      method: "DELETE",
      headers: await bearer(),
    });
    note("removed: the interface was read back without it");
  });

  await step("the revoked file leads nowhere", async (note) => {
    await client.load(first.file);
    await expectSilence(client, { url: `${api}/health` });
    note(`GET ${api}/health through the first tunnel: silence for ${silenceMs / 1000} s`);
    await client.load(second.file);
  });

  const url = `${api}/api/v1/auth/me`;
  const me = await step("GET /api/v1/auth/me, through the tunnel", async () => {
    const body = await tunnel(200, z.looseObject({ email: z.literal(acme.user.email) }), {
      url,
      headers: await bearer(),
    });
    return body;
  });
  await step("everything is taken down", () => undo.disposeAsync());
  end({ status: 200, body: me, url });
}

/** @throws {DemoError} when it is another status, or nobody answered */
async function answer<T>(
  asked: Promise<RequestOutcome>,
  status: number,
  shape: z.ZodType<T>,
): Promise<T> {
  const outcome = await asked;
  if ("error" in outcome) throw new DemoError(`no answer (${outcome.error})`);
  expect(
    outcome.status === status,
    `answered ${outcome.status} instead of ${status}: ${JSON.stringify(outcome.body)}`,
  );
  return shape.parse(outcome.body);
}

/** Nobody answers: not the API, and no host that refuses in its place. */
async function expectSilence(client: Client, order: { url: string }): Promise<void> {
  const outcome = await client.request({ ...order, timeoutMs: silenceMs });
  expect(
    "error" in outcome && outcome.error === "TimeoutError",
    `something answered: ${JSON.stringify(outcome)}`,
  );
}

async function isInstalled(program: string): Promise<boolean> {
  return await run(["sh", "-c", `command -v ${program}`]).then(() => true, () => false);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { json: { type: "boolean", default: false } },
  });
  const steps = createSteps({
    json: values.json,
    write: (line) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`)),
  });
  if (Deno.uid() !== 0) {
    await steps.step("root, to make two hosts of network namespaces", () => {
      throw new DemoError("run: sudo ./massacorp demo");
    }).catch(() => {});
    return 1;
  }
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => interrupted.abort(new DemoError(`ended by ${signal}`)));
  }
  try {
    await story(steps, interrupted.signal);
    return 0;
  } catch {
    // The step that failed has said why.
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
