import { Secret } from "../../lib/secret.ts";

/** Stands between a client and PostgreSQL, and can keep the server's answers back. */
export interface HoldingProxy extends AsyncDisposable {
  url: Secret<string>;
  /** From now on answers wait until the client has sent this many questions (one Sync message each); 0 lets all go. */
  holdUntil(questions: number): void;
}

const sync = "S".charCodeAt(0);

/** @param target a URL with the folder of a Unix socket */
export async function holdingProxy(target: Secret<string>): Promise<HoldingProxy> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-proxy-" });
  const url = new URL(target.reveal());
  const upstream = `${url.searchParams.get("host")}/.s.PGSQL.5432`;
  url.searchParams.set("host", folder);
  const listener = Deno.listen({ transport: "unix", path: `${folder}/.s.PGSQL.5432` });
  const connections: Deno.UnixConn[] = [];
  let missing = 0;
  let released = Promise.withResolvers<void>();
  released.resolve();

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
        await to.write(bytes);
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
      const server = await Deno.connect({ transport: "unix", path: upstream });
      connections.push(client, server);
      passing.push(pass(client, server, (bytes) => missing > 0 && count(bytes)));
      passing.push(pass(server, client, () => released.promise));
    }
    await Promise.all(passing);
  })();

  return {
    url: new Secret(url.href),
    holdUntil(questions) {
      missing = questions;
      released.resolve();
      released = Promise.withResolvers();
      if (questions === 0) released.resolve();
    },
    async [Symbol.asyncDispose]() {
      released.resolve();
      listener.close();
      for (const connection of connections) {
        try {
          connection.close();
        } catch (error) {
          if (!(error instanceof Deno.errors.BadResource)) throw error;
        }
      }
      await accepting;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
