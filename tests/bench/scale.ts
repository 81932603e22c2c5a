import { adminOn, fromHeader, threeApis } from "../support/scale.ts";
import { clusterVariable } from "../support/cluster.ts";
import { freePort } from "../support/free_port.ts";
import { startNginx } from "../support/nginx.ts";
import { startPgbouncer, throughPgbouncer } from "../support/pgbouncer.ts";
import { compare, median, percentile, type Result } from "./measure.ts";

const turns = { rounds: 5, inFlight: 32, ms: 2_000 };

interface Way {
  perSecond: number;
  p99: number;
}

/** Rate and p99 of `GET /auth/me` by several ways, in turns: medians over the rounds, the first of which warms up. */
async function alternateWays<K extends string>(
  urls: Record<K, string>,
  headers: Record<string, string>,
): Promise<Record<K, Way>> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: turns.inFlight, http2: false });
  const names = Object.keys(urls).filter((name): name is K => name in urls);
  const rates = new Map(names.map((name) => [name, [] as number[]]));
  const tails = new Map(names.map((name) => [name, [] as number[]]));
  for (let round = 0; round <= turns.rounds; round++) {
    for (const name of names) {
      const took: number[] = [];
      const start = performance.now();
      await Promise.all(Array.from({ length: turns.inFlight }, async () => {
        while (performance.now() - start < turns.ms) {
          const sent = performance.now();
          const response = await fetch(`${urls[name]}/api/v1/auth/me`, { client, headers });
          await response.body?.cancel();
          if (response.status !== 200) throw new Error(`${name}: ${response.status}`);
          took.push(performance.now() - sent);
        }
      }));
      if (round === 0) continue;
      rates.get(name)?.push(took.length / ((performance.now() - start) / 1000));
      tails.get(name)?.push(percentile(took, 99));
    }
  }
  const ways = names.map((name) => [
    name,
    { perSecond: median(rates.get(name) ?? []), p99: median(tails.get(name) ?? []) },
  ]);
  return Object.fromEntries(ways);
}

/** Through nginx with one, two and three processes, against one process without it. */
export async function scaleOut(): Promise<Result[]> {
  await using scale = await threeApis();
  const acme = await adminOn(scale, "acme");
  await using undo = new AsyncDisposableStack();
  const before = async (count: number) => {
    const listen = `127.0.0.1:${freePort()}`;
    const upstreams = scale.apis.slice(0, count).map(({ port }) => port);
    undo.use(await startNginx({ listen: [listen], upstreams, http: fromHeader }));
    return `http://${listen}`;
  };
  const measured = await alternateWays({
    direct: `http://127.0.0.1:${scale.apis[0].port}`,
    one: await before(1),
    two: await before(2),
    three: await before(3),
  }, headersOf(acme));
  const against = (name: string, way: Way, reference: Way): Result[] => [
    compare({
      ...{ name, unit: "requests/s" },
      value: way.perSecond,
      reference: reference.perSecond,
    }),
    compare({ ...{ name: `${name}, p99`, unit: "ms" }, value: way.p99, reference: reference.p99 }),
  ];
  const { direct, one, two, three } = measured;
  return [
    ...against("GET /auth/me through nginx, 1 process, against no nginx", one, direct),
    ...against("GET /auth/me through nginx, 2 processes, against 1", two, one),
    ...against("GET /auth/me through nginx, 3 processes, against 1", three, one),
  ];
}

/** What it costs to do without prepared statements, and to go through pgbouncer. */
export async function scalePooler(): Promise<Result[]> {
  const socketFolder = Deno.env.get(clusterVariable);
  if (!socketFolder) throw new Error("the bench has no PostgreSQL");
  await using pooler = await startPgbouncer({ socketFolder });
  await using scale = await threeApis({
    envOf: (n, db): Record<string, string> => {
      if (n === 0) return {};
      if (n === 1) return { DATABASE_PREPARE: "off" };
      return {
        DATABASE_PREPARE: "off",
        DATABASE_URL: throughPgbouncer(db.url("massacorp_api"), pooler),
        DATABASE_PLATFORM_URL: throughPgbouncer(db.url("massacorp_platform"), pooler),
      };
    },
  });
  const acme = await adminOn(scale, "acme");
  const [prepared, unprepared, pooled] = scale.apis.map(({ port }) => `http://127.0.0.1:${port}`);
  const measured = await alternateWays({
    prepared: prepared ?? "",
    unprepared: unprepared ?? "",
    pooled: pooled ?? "",
  }, headersOf(acme));
  const results = [
    compare({
      name: "GET /auth/me without prepared statements, against with",
      unit: "requests/s",
      value: measured.unprepared.perSecond,
      reference: measured.prepared.perSecond,
    }),
    compare({
      name: "GET /auth/me through pgbouncer, without prepared statements, against direct with",
      unit: "requests/s",
      value: measured.pooled.perSecond,
      reference: measured.prepared.perSecond,
    }),
  ];
  return results;
}

const headersOf = ({ from, token }: Awaited<ReturnType<typeof adminOn>>) => ({
  Authorization: `Bearer ${token}`,
  "X-Forwarded-For": from,
  "X-Test-Address": from,
});
