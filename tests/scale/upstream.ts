/** What stands behind nginx in tests of its file: takes requests as they come, and tells of them. */
export interface Upstream extends AsyncDisposable {
  port: number;
  /** Each as it came: the head, without its body. */
  requests: string[];
  /** Lengths of the bodies that came whole. */
  bodies: number[];
  /** Bytes of a huge answer that were taken so far. */
  sent(): number;
  /** Whether somebody hung up while it was sent. */
  cutOff(): boolean;
  /** Connections in all, and those that are open. */
  connections(): number;
  open(): number;
}

type Behaviour = "answers" | "hangs up" | "says nothing" | "not ready";

const hugeParts = 2_048;
const part = new Uint8Array(65_536);

/** `/huge` is answered with 128 MB, everything else with a few bytes. */
export function upstream(behaviour: Behaviour = "answers"): Upstream {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];
  const bodies: number[] = [];
  const connections = new Set<Deno.Conn>();
  let count = 0;
  let sent = 0;
  let cutOff = false;

  async function huge(connection: Deno.Conn): Promise<void> {
    try {
      await send(
        connection,
        `HTTP/1.1 200 OK\r\nContent-Length: ${hugeParts * part.length}\r\n\r\n`,
      );
      for (let n = 0; n < hugeParts; n++) {
        for (let at = 0; at < part.length;) {
          const written = await connection.write(part.subarray(at));
          at += written;
          sent += written;
        }
      }
    } catch (error) {
      cutOff = true;
      throw error;
    }
  }

  async function serve(connection: Deno.Conn): Promise<void> {
    const bytes = new Uint8Array(65_536);
    const decoder = new TextDecoder();
    let text = "";
    for (let n = await connection.read(bytes); n !== null; n = await connection.read(bytes)) {
      text += decoder.decode(bytes.subarray(0, n), { stream: true });
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) continue;
      const head = text.slice(0, end + 2);
      const length = Number(/^content-length: (\d+)/mi.exec(head)?.[1] ?? 0);
      if (text.length < end + 4 + length) continue;
      text = text.slice(end + 4 + length);
      requests.push(head);
      bodies.push(length);
      if (behaviour === "hangs up") return;
      if (behaviour === "says nothing") continue;
      if (head.startsWith("GET /huge")) await huge(connection);
      else {
        const ready = behaviour !== "not ready" || !head.startsWith("GET /ready");
        const body = '{"text":"of the API"}';
        await send(
          connection,
          `HTTP/1.1 ${ready ? "200 OK" : "503 Service Unavailable"}\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      }
    }
  }

  const serving = (async () => {
    const all: Promise<void>[] = [];
    for await (const connection of listener) {
      count++;
      connections.add(connection);
      all.push(
        // Hung up on, by nginx or at the end of the test.
        serve(connection).catch(() => {}).finally(() => {
          if (connections.delete(connection)) connection.close();
        }),
      );
    }
    await Promise.all(all);
  })();
  return {
    port: listener.addr.port,
    requests,
    bodies,
    sent: () => sent,
    cutOff: () => cutOff,
    connections: () => count,
    open: () => connections.size,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of connections) {
        connections.delete(connection);
        connection.close();
      }
      await serving;
    },
  };
}

async function send(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
