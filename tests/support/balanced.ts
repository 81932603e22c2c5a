import assert from "node:assert/strict";
import { createClient } from "redis";
import type { AppEnv } from "../../api/context.ts";
import type { ToOpen } from "../scale/host.ts";
import { Secret } from "../../lib/secret.ts";
import type { FakeClock } from "./clock.ts";
import { forgetDatabase, throughPgbouncer } from "./pgbouncer.ts";

/** Where `tests/scale/balancer.ts` tells the tests that it serves where it is. */
export const balancerVariable = "MASSACORP_TEST_BALANCER";

export interface BalancerPlace {
  /** Of nginx. */
  url: string;
  /** Of each process's control. */
  controls: string[];
  redis: string;
  /** Socket folder and port of a pooler, where the API is to reach its database through one. */
  pooler: { folder: string; port: number; server: string } | null;
  /** Who spoke to an app in its own process after all, and why, a line each. */
  reasons: string;
}

export function balancerPlace(): BalancerPlace | undefined {
  const text = Deno.env.get(balancerVariable);
  return text ? JSON.parse(text) : undefined;
}

/** An app in three processes behind nginx. */
export interface Balanced {
  fetch(request: Request, env: AppEnv["Bindings"]): Promise<Response>;
  close(): Promise<void>;
}

/**
 * The app of a test behind the balancer of this run; undefined where there is none.
 * @param reason why the test cannot do with it, which is written down
 */
export async function throughBalancer(
  given: Parameters<typeof balancedApi>[1],
  reason: string | undefined,
): Promise<Balanced | undefined> {
  const place = balancerPlace();
  if (!place) return undefined;
  if (reason === undefined) return await balancedApi(place, given);
  const [file = ""] = /[\w/]+_test\.ts/.exec(new Error().stack ?? "") ?? [];
  await Deno.writeTextFile(place.reasons, `${file}: ${reason}\n`, { append: true });
  return undefined;
}

let databases = Math.floor(Math.random() * 15_000);

async function balancedApi(
  place: BalancerPlace,
  { env, clock, log, pauses }: {
    env: Record<string, string>;
    clock: FakeClock;
    log: string[];
    pauses: number[];
  },
): Promise<Balanced> {
  const id = crypto.randomUUID();
  const folder = await Deno.makeTempDir({ prefix: "massacorp-balanced-" });
  const own = {
    TRUSTED_PROXIES: "127.0.0.1",
    REDIS_URL: `${place.redis}/${databases++ % 16_000}`,
    REDIS_COMMAND_TIMEOUT: "5000",
    DATABASE_DIRECT_URL: env["DATABASE_URL"] ?? "",
    ...env,
    // As any process behind nginx, whatever the test has of it.
    API_LISTEN: "loopback",
    // A way to the database that the test brings is what it looks at.
    ...(place.pooler && leadsTo(env["DATABASE_URL"], place.pooler)
      ? pooled(env, place.pooler)
      : {}),
  };
  const tell = async (control: string, method: string, body: Partial<ToOpen>) => {
    const response = await fetch(control, { method, body: JSON.stringify(body) });
    assert.equal(response.status, 200, await response.text());
  };
  await Promise.all(
    place.controls.map((control, n) =>
      tell(control, "POST", { id, env: own, now: clock.now(), log: `${folder}/${n}` })
    ),
  );
  const files = place.controls.map((_, n) => ({
    open: Deno.openSync(`${folder}/${n}`),
    decoder: new TextDecoder(),
    /** Of a line whose end is not written yet. */
    rest: "",
  }));
  const chunk = new Uint8Array(65_536);
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 64, http2: false, allowHost: true });
  let at = clock.now();
  let moving = Promise.resolve();
  /** What the processes count in Redis ends by Redis' clock, which the test's clock takes along. */
  const moveRedis = async (by: number) => {
    const redis = await createClient({ url: own.REDIS_URL }).connect();
    for (const key of await redis.keys("login-failures:*")) {
      await redis.pExpire(key, await redis.pTTL(key) - by);
    }
    redis.destroy();
  };
  const hear = () => {
    for (const file of files) {
      let text = file.rest;
      for (let read = file.open.readSync(chunk); read; read = file.open.readSync(chunk)) {
        text += file.decoder.decode(chunk.subarray(0, read), { stream: true });
      }
      const lines = text.split("\n");
      file.rest = lines.pop() ?? "";
      for (const line of lines) {
        const said: { line?: string; pause?: number } = JSON.parse(line);
        if (said.line !== undefined) log.push(said.line);
        if (said.pause !== undefined) pauses.push(said.pause);
      }
    }
  };
  // What a process says after its answer is heard without another request as well.
  const listening = setInterval(hear, 100);
  return {
    async fetch(request, { listener, address }) {
      const { pathname, search, host } = new URL(request.url);
      const headers = new Headers(request.headers);
      if (!headers.has("host")) headers.set("Host", host);
      headers.set("X-Test-App", id);
      headers.set("X-Test-Now", String(clock.now()));
      headers.set("X-Test-Listener", listener);
      headers.set("X-Test-Address", address ?? "127.0.0.1");
      const moved = clock.now() - at;
      at += moved;
      if (moved !== 0 && own.REDIS_URL.startsWith(place.redis)) {
        moving = moving.then(() => moveRedis(moved));
      }
      await moving;
      const response = await fetch(`${place.url}${pathname}${search}`, {
        client,
        method: request.method,
        headers,
        redirect: "manual",
        body: request.body === null ? null : await upTo(1.5 * 2 ** 20, request.body),
      });
      hear();
      return response;
    },
    async close() {
      client.close();
      clearInterval(listening);
      for (const file of files) file.open.close();
      await Promise.all(place.controls.map((control) => tell(control, "DELETE", { id })));
      const database = new URL(env["DATABASE_URL"] ?? "").pathname.slice(1);
      if (place.pooler) await forgetDatabase(place.pooler, database);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** As much of a body as is too much for the API, where it has no end. */
async function upTo(most: number, body: ReadableStream<Uint8Array>): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(new Uint8Array(part));
    if ((size += part.length) > most) break;
  }
  return new Blob(parts);
}

const leadsTo = (url = "", { server }: { server: string }) =>
  new URL(url).searchParams.get("host") === server;

/** The same roles and database, by way of the pooler. */
function pooled(
  env: Record<string, string>,
  pooler: { folder: string; port: number },
): Record<string, string> {
  const through = (text = "") => throughPgbouncer(new Secret(text), pooler);
  return {
    DATABASE_URL: through(env["DATABASE_URL"]),
    DATABASE_PLATFORM_URL: through(env["DATABASE_PLATFORM_URL"]),
    DATABASE_PREPARE: "off",
  };
}
