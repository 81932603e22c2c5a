import assert from "node:assert/strict";
import { accounts, apiProcess, logIn } from "../bench/identity/api_process.ts";
import { startTestCluster } from "../support/cluster.ts";
import { smallDisk } from "../support/disk.ts";
import { until } from "../support/until.ts";
import { ask, type Seen, seen, tally, timeUntil } from "./trouble.ts";

/** Stops a PostgreSQL dead, or has it go on: while its first process is stopped, no other one comes or goes for good. */
async function hang(dataFolder: string, on: boolean): Promise<void> {
  const [first = ""] = (await Deno.readTextFile(`${dataFolder}/postmaster.pid`)).split("\n");
  if (on) Deno.kill(Number(first), "SIGSTOP");
  const children = await Deno.readTextFile(`/proc/${first}/task/${first}/children`);
  for (const pid of children.trim().split(" ").filter(Boolean)) {
    Deno.kill(Number(pid), on ? "SIGSTOP" : "SIGCONT");
  }
  if (!on) Deno.kill(Number(first), "SIGCONT");
}

Deno.test("trouble: PostgreSQL killed, stopped dead and without a disk: 503 within a second with Retry-After, and all is well by itself", async (t) => {
  await using undo = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "massacorp-trouble-" });
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.chmod(folder, 0o711);
  const disk = undo.use(await smallDisk(`${folder}/disk`, { kilobytes: 400_000 }));
  await Deno.chmod(`${folder}/disk`, 0o711);
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", `${folder}/disk`);
  const cluster = await startTestCluster({ durable: true });
  if (before === undefined) Deno.env.delete("TMPDIR");
  else Deno.env.set("TMPDIR", before);
  undo.defer(() => cluster.stop());
  const api = undo.use(await apiProcess({ cluster }));
  const [admin] = await accounts(api, { slug: "acme", count: 1 });
  assert(admin);
  const { access_token } = await logIn(api, admin);
  const headers = { Authorization: `Bearer ${access_token}` };
  const me = () => ask(`${api.url}/auth/me`, { headers });
  const create = () =>
    ask(`${api.url}/users`, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify({ email: `${crypto.randomUUID()}@acme.example` }),
    });
  const login = () =>
    ask(`${api.url}/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Tenant-ID": "acme" },
      body: JSON.stringify({ email: admin.email, password: admin.password }),
    });
  const calls = [me, create, login];
  for (const call of calls) assert((await call()).status < 300);
  /** Ten of each at once, the slowest of each kind. */
  const burst = async () => {
    const seenOf = await Promise.all(
      calls.map((call) => Promise.all(Array.from({ length: 10 }, call))),
    );
    const slowest = seenOf.map((some) => tally(some).slowest);
    return { all: seenOf.flat(), slowest };
  };
  const usual = (await burst()).slowest;

  /** Asked for without pause until something is refused, then once more of each, and until all is well again. */
  async function through(
    trouble: string,
    { begin, end }: { begin: () => Promise<void>; end: () => Promise<void> },
  ) {
    await t.step(trouble, async () => {
      const underWay = burst();
      await begin();
      const refused = (all: Seen[]) => all.filter(({ status }) => status >= 300);
      const before = await underWay;
      // A disk that is full still takes what has room in the pages that are there.
      const then = await until("something is refused", async () => {
        const some = await burst();
        return refused(some.all).length > 0 && some;
      }, { timeoutMs: 60_000 });
      const [first, during] = [refused(before.all), refused(then.all)];
      for (const each of [...first, ...during]) {
        assert.deepEqual([each.status, each.retryAfter], [503, "1"], JSON.stringify(each));
      }
      const told = tally([...first, ...during]);
      // Of me, create and login; the last is work for the processor while the database is well.
      seen(trouble, { ...told, usual, underWay: before.slowest, during: then.slowest });
      // Whoever comes now is told at once; who was under way had work for the processor before him.
      assert(tally(during).slowest < 1_500, JSON.stringify(tally(during)));
      assert(told.slowest < 2_000 + Math.max(...usual), JSON.stringify(told));
      await end();
      const backMs = await timeUntil("all is well", async () => {
        return (await Promise.all(calls.map((call) => call()))).every(({ status }) => status < 300);
      });
      seen(`${trouble}, over`, { backMs });
    });
  }

  await through("PostgreSQL killed (kill -9)", {
    begin: () => cluster.kill(),
    end: () => cluster.up(),
  });
  await through("PostgreSQL hangs (SIGSTOP)", {
    begin: () => hang(cluster.dataFolder, true),
    end: () => hang(cluster.dataFolder, false),
  });
  await through("PostgreSQL's disk is full", {
    begin: () => disk.fill(),
    end: () => disk.makeRoom(),
  });
});
