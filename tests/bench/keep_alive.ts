/** What a bench asks. */
export interface Asked {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const idle = new Map<string, Connection[]>();

/**
 * One HTTP/1.1 request over a connection that is kept for the next one. On two cores the client takes its time from
 * what is measured: `fetch` costs several times of this, a third of what a refresh costs altogether.
 * @param url of `http://host:port`
 * @throws for an answer that does not say its length: those of the API and of its references do
 */
export async function ask(url: string, asked: Asked): Promise<{ status: number; text: string }> {
  const { hostname, port, pathname, search } = new URL(url);
  const free = idle.getOrInsertComputed(`${hostname}:${port}`, () => []);
  const connection = free.pop() ?? new Connection(await Deno.connect({ hostname, port: +port }));
  const answer = await connection.ask(`${pathname}${search}`, `${hostname}:${port}`, asked);
  free.push(connection);
  return answer;
}

class Connection {
  #socket: Deno.TcpConn;
  #buffer = new Uint8Array(64 * 1024);

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
    socket.setNoDelay();
    socket.unref();
  }

  async ask(path: string, host: string, { method = "GET", headers = {}, body = "" }: Asked) {
    const length = method === "GET" ? "" : `content-length: ${encoder.encode(body).length}\r\n`;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await this.#write(
      `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${lines}${length}\r\n${body}`,
    );
    let filled = 0;
    for (;;) {
      if (filled === this.#buffer.length) {
        throw new Error(`${path}: too long an answer for a bench`);
      }
      const read = await this.#socket.read(this.#buffer.subarray(filled));
      if (read === null) throw new Error(`${path}: the server hung up`);
      filled += read;
      const text = decoder.decode(this.#buffer.subarray(0, filled));
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) continue;
      const size = /^content-length: (\d+)$/im.exec(text.slice(0, end))?.[1];
      if (size === undefined) throw new Error(`${path}: an answer of no length`);
      // The head is ASCII, so its characters are its bytes.
      const whole = end + 4 + Number(size);
      if (filled < whole) continue;
      return { status: Number(text.slice(9, 12)), text: text.slice(end + 4) };
    }
  }

  async #write(text: string): Promise<void> {
    let bytes = encoder.encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(await this.#socket.write(bytes));
  }
}
