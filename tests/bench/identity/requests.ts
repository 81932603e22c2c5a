import { SignJWT } from "jose";
import { freePort } from "../../support/free_port.ts";
import { until } from "../../support/until.ts";
import { alternate, compare, type Result } from "../measure.ts";
import { accounts, answerOf, type ApiProcess, apiProcess, logIn } from "./api_process.ts";

const connections = 32;
const turns = { rounds: 20, inFlight: connections, ms: 500 };

/** `GET /auth/me` against the least that could answer it, and a request by API key against the same by token. */
export async function requests(): Promise<Result[]> {
  await using api = await apiProcess();
  const [admin] = await accounts(api, { slug: "acme", count: 1 });
  if (!admin) throw new Error("no account");
  const { access_token } = await logIn(api, admin);
  const bearer = { Authorization: `Bearer ${access_token}` };
  await using bare = await reference(api, admin.tenantId);
  const me = await alternate({
    product: () => answerOf(`${api.url}/auth/me`, { headers: bearer }),
    bare: () => answerOf(`${bare.url}/auth/me`, { headers: bare.headers }),
  }, turns);
  const { key } = await answerOf(`${api.url}/api-keys`, {
    method: "POST",
    headers: { ...bearer, "Content-Type": "application/json" },
    body: JSON.stringify({ name: "bench", scopes: ["tenant.read"] }),
  });
  const by = (headers: Record<string, string>) => () =>
    answerOf(`${api.url}/tenants/current`, { headers });
  const proofs = await alternate({ key: by({ "X-API-Key": key }), token: by(bearer) }, turns);
  return [
    compare({
      name: `GET /auth/me against bare Hono, jose and one query, ${connections} connections`,
      unit: "requests/s",
      value: me.product,
      reference: me.bare,
      bar: { least: 0.6 },
    }),
    compare({
      name: "GET /tenants/current by API key against by token",
      unit: "requests/s",
      value: proofs.key,
      reference: proofs.token,
      bar: { least: 0.9 },
    }),
  ];
}

async function reference({ db }: ApiProcess, tenantId: number) {
  const secret = "only-for-the-reference-of-the-bench";
  const port = freePort();
  const [user] = await db.owner<{ id: number }[]>`
    select id from users where tenant_id = ${tenantId} order by id desc limit 1`;
  const token = await new SignJWT({ tenant_id: tenantId }).setProtectedHeader({ alg: "HS256" })
    .setSubject(String(user?.id)).setExpirationTime("1h").sign(new TextEncoder().encode(secret));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", import.meta.resolve("./reference_server.ts")],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  // As the API's: as many connections, and a role that row-level security does not slow down.
  const database = db.url("massacorp_owner").reveal();
  const told = JSON.stringify({ port, secret, database, pool: 10 });
  await writer.write(new TextEncoder().encode(told));
  await writer.close();
  const url = `http://127.0.0.1:${port}/api/v1`;
  const headers = { Authorization: `Bearer ${token}` };
  await until("the reference answers", () => answerOf(`${url}/auth/me`, { headers }));
  return {
    url,
    headers,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
