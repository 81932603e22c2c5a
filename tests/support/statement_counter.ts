import { Secret } from "../../lib/secret.ts";

/** Stands between a client and PostgreSQL, and counts the statements that the client has executed. */
export interface StatementCounter extends AsyncDisposable {
  url: Secret<string>;
  readonly statements: number;
}

/** Execute of the extended protocol, Query of the simple one. */
const executing = new Set(["E", "Q"].map((letter) => letter.charCodeAt(0)));

/** @param target a URL with the folder of a Unix socket */
export async function statementCounter(target: Secret<string>): Promise<StatementCounter> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-counter-" });
  const url = new URL(target.reveal());
  const upstream = `${url.searchParams.get("host")}/.s.PGSQL.5432`;
  url.searchParams.set("host", folder);
  const listener = Deno.listen({ transport: "unix", path: `${folder}/.s.PGSQL.5432` });
  let statements = 0;

  /** Of a client's messages, in whatever pieces they come; the first one has no type. */
  function counter(): (bytes: Uint8Array) => void {
    let left = new Uint8Array();
    let started = false;
    return (bytes) => {
      const all = new Uint8Array([...left, ...bytes]);
      const view = new DataView(all.buffer);
      let at = 0;
      for (;;) {
        const typed = started ? 1 : 0;
        if (at + typed + 4 > all.length) break;
        const end = at + typed + view.getUint32(at + typed);
        if (end > all.length) break;
        if (started && executing.has(view.getUint8(at))) statements++;
        started = true;
        at = end;
      }
      left = all.slice(at);
    };
  }

  async function pass(from: Deno.Conn, to: Deno.Conn, look: (bytes: Uint8Array) => void) {
    try {
      for await (const bytes of from.readable) {
        look(bytes);
        for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // Either end hung up.
    }
    try {
      to.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  const accepting = (async () => {
    const passing: Promise<void>[] = [];
    for await (const client of listener) {
      const server = await Deno.connect({ transport: "unix", path: upstream });
      passing.push(pass(client, server, counter()), pass(server, client, () => {}));
    }
    await Promise.all(passing);
  })();

  return {
    url: new Secret(url.href),
    get statements() {
      return statements;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
