import { dirname } from "node:path";
import { z } from "zod";
import { CliError } from "./error.ts";

/** The running API, spoken to as its operator. */
export interface OperatorApi extends Disposable {
  /**
   * One call; its answer must have the shape.
   * @param call.tenant id or slug of the tenant to work in
   * @throws {CliError} with the problem's own words when the API refuses
   */
  call<T>(
    shape: z.ZodType<T>,
    call: { method?: string; path: string; tenant?: string; body?: unknown },
  ): Promise<T>;
}

/** Every item of a list, page after page. */
export async function everyItem<T>(
  api: OperatorApi,
  shape: z.ZodType<T>,
  { path, tenant }: { path: string; tenant?: string },
): Promise<T[]> {
  const page = z.object({ items: z.array(shape), next_cursor: z.string().nullable() });
  const items: T[] = [];
  const joint = path.includes("?") ? "&" : "?";
  for (let cursor: string | null = ""; cursor !== null;) {
    const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const answer: z.infer<typeof page> = await api.call(page, {
      path: `${path}${joint}limit=200${query}`,
      ...(tenant === undefined ? {} : { tenant }),
    });
    items.push(...answer.items);
    cursor = answer.next_cursor;
  }
  return items;
}

const problem = z.object({
  title: z.string(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** Finds the socket that an API listens on. @throws {CliError} when there is none */
export async function connectOperator(sockets: string[]): Promise<OperatorApi> {
  for (const socket of sockets) {
    if (await listens(socket)) return operatorAt(socket);
  }
  throw new CliError(
    `no API listens on ${
      sockets.join(" or ")
    }. Start it with ./massacorp up, call this as the same user ` +
      "(root, where it was started by root), or name the socket in OPERATOR_SOCKET",
  );
}

async function listens(path: string): Promise<boolean> {
  try {
    // Where `up` goes for want of a short path, anybody could listen, and would be handed what is the API's.
    if (
      path.startsWith("/tmp/massacorp-") &&
      (await Deno.lstat(dirname(dirname(path)))).uid !== Deno.uid()
    ) {
      return false;
    }
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** How long one call may take. */
const patienceMs = 30_000;

function operatorAt(socket: string): OperatorApi {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  return {
    async call(shape, { method = "GET", path, tenant, body }) {
      // Deno asks DNS for the name even where the request goes to a Unix socket.
      const { ok, answer } = await ask(`http://localhost/api/v1${path}`, {
        client,
        method,
        headers: {
          ...(tenant === undefined ? {} : { "X-Tenant-ID": tenant }),
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(patienceMs),
      });
      if (!ok) throw new CliError(describe(problem.parse(answer)));
      return shape.parse(answer);
    },
    [Symbol.dispose]: () => client.close(),
  };
}

/** One request and its JSON; that nobody answers is said in words. */
async function ask(
  url: string,
  init: RequestInit & { client: Deno.HttpClient },
): Promise<{ ok: boolean; answer: unknown }> {
  try {
    const response = await fetch(url, init);
    return { ok: response.ok, answer: await response.json() };
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") {
      throw new CliError(
        `the API did not answer within ${
          patienceMs / 1000
        } s; whether it did what it was asked is not known`,
      );
    }
    if (error instanceof TypeError || error instanceof SyntaxError) {
      throw new CliError("the API broke off; whether it did what it was asked is not known");
    }
    throw error;
  }
}

function describe({ title, code, detail, errors }: z.infer<typeof problem>): string {
  const fields = (errors ?? []).map(({ path, message }) => `\n  ${path || "body"}: ${message}`);
  return `${title}${detail ? `: ${detail}` : ""} (${code})${fields.join("")}`;
}
