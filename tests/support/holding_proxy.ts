import { Secret } from "../../lib/secret.ts";

/** Stands between a client and PostgreSQL, and can keep the server's answers back, or cut the connections. */
export interface HoldingProxy extends AsyncDisposable {
  url: Secret<string>;
  /** From now on answers wait until the client has sent this many questions (one Sync message each); 0 lets all go. */
  holdUntil(questions: number): void;
  /** From now on no answer that says COMMIT arrives, until all is cut. */
  holdCommits(): void;
  /** Ends every connection in the middle of what it carries, and each new one at once, until `restore`. */
  cut(): void;
  restore(): void;
}

const sync = "S".charCodeAt(0);
const latin = new TextDecoder("latin1");

/** @param target a URL with the folder of a Unix socket */
export async function holdingProxy(target: Secret<string>): Promise<HoldingProxy> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-proxy-" });
  const url = new URL(target.reveal());
  const upstream = `${url.searchParams.get("host")}/.s.PGSQL.5432`;
  url.searchParams.set("host", folder);
  const listener = Deno.listen({ transport: "unix", path: `${folder}/.s.PGSQL.5432` });
  const connections = new Set<Deno.UnixConn>();
  let isCut = false;
  let missing = 0;
  let released = Promise.withResolvers<void>();
  released.resolve();
  /** Until when answers that say COMMIT are kept back. */
  let cutting: Promise<void> | undefined;
  let startCut = () => {};

  function count(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + 5 <= bytes.length; at += 1 + view.getUint32(at + 1)) {
      if (view.getUint8(at) === sync && --missing === 0) released.resolve();
    }
  }

  async function pass(
    from: Deno.UnixConn,
    to: Deno.UnixConn,
    before: (bytes: Uint8Array) => unknown,
  ) {
    try {
      for await (const bytes of from.readable) {
        await before(bytes);
        for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
      }
      await to.closeWrite();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // Either end hung up.
    }
  }

  const accepting = (async () => {
    const passing: Promise<void>[] = [];
    for await (const client of listener) {
      if (isCut) {
        client.close();
        continue;
      }
      const server = await Deno.connect({ transport: "unix", path: upstream });
      for (const connection of [client, server]) connections.add(connection);
      passing.push(pass(client, server, (bytes) => missing > 0 && count(bytes)));
      passing.push(pass(server, client, async (bytes) => {
        if (cutting && latin.decode(bytes).includes("COMMIT\0")) await cutting;
        await released.promise;
      }));
    }
    await Promise.all(passing);
  })();

  function closeAll(): void {
    for (const connection of connections) {
      try {
        connection.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    connections.clear();
  }

  return {
    url: new Secret(url.href),
    holdUntil(questions) {
      missing = questions;
      released.resolve();
      released = Promise.withResolvers();
      if (questions === 0) released.resolve();
    },
    holdCommits() {
      const { promise, resolve } = Promise.withResolvers<void>();
      cutting = promise;
      startCut = resolve;
    },
    cut() {
      isCut = true;
      closeAll();
      // What was kept back has nowhere to go any more.
      cutting = undefined;
      startCut();
      missing = 0;
      released.resolve();
    },
    restore() {
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      released.resolve();
      startCut();
      listener.close();
      closeAll();
      await accepting;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
