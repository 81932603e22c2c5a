import { systemClock } from "../../lib/clock.ts";
import { Secret } from "../../lib/secret.ts";
import { createKeyRing, ringOfSecret } from "../../api/auth/key_ring.ts";
import { createTokens } from "../../api/auth/tokens.ts";
import { asTenantId } from "../../api/database/tenancy.ts";
import { freePort } from "../support/free_port.ts";
import { until } from "../support/until.ts";
import { answerOf } from "./identity/api_process.ts";
import { alternate, compare, type Result } from "./measure.ts";

/** Clock ticks a second of `/proc/PID/stat` on Linux. */
const ticks = 100;

/** The cost of the whole middleware chain on a route that asks the database nothing. */
export async function chain({ ms = 3_000 } = {}): Promise<Result[]> {
  const secret = crypto.getRandomValues(new Uint8Array(32)).toBase64();
  const tokens = createTokens({
    keys: await createKeyRing(await ringOfSecret(new Secret(secret))),
    issuer: "massacorp",
    accessSeconds: 3_600,
    clock: systemClock,
  });
  const token = await tokens.mintAccess({
    tenantId: asTenantId(1),
    userId: 1,
    sessionId: crypto.randomUUID(),
    email: "admin@acme.example",
  });
  await using whole = await server("whole", secret, token);
  await using bare = await server("bare", secret, token);
  const rates = await alternate({ whole: whole.ask, bare: bare.ask }, {
    rounds: 3,
    inFlight: 32,
    ms,
  });
  return [
    compare({
      name: "GET /auth/me without its query: the whole chain against bare Hono and jose",
      unit: "requests/s",
      value: rates.whole,
      reference: rates.bare,
      bar: { least: 0.6 },
    }),
    compare({
      name: "the same: the server's own time a request",
      unit: "us",
      value: await whole.microseconds(),
      reference: await bare.microseconds(),
    }),
  ];
}

async function server(kind: string, secret: string, token: string) {
  const port = freePort();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", import.meta.resolve("./chain_server.ts")],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify({ kind, port, secret })));
  await writer.close();
  const url = `http://127.0.0.1:${port}/api/v1/auth/me`;
  let asked = 0;
  const ask = () => {
    asked++;
    return answerOf(url, { headers: { Authorization: `Bearer ${token}` } });
  };
  const cpu = async () => {
    const stat = await Deno.readTextFile(`/proc/${child.pid}/stat`);
    const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
    return (Number(user) + Number(system)) / ticks * 1e6;
  };
  await until(`the ${kind} server answers`, ask, { timeoutMs: 20_000 });
  const before = { asked, cpu: await cpu() };
  return {
    ask,
    microseconds: async () => (await cpu() - before.cpu) / (asked - before.asked),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
