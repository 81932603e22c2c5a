import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.ts";

/** A schema of the document by its name, such as `Schema<"Peer">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
export type Problem = Schema<"Problem">;

/** Every operation of docs/openapi.json, typed by path: `client.GET("/api/v1/users/{id}", …)`. */
export type ApiClient = Client<paths, "application/json">;

export interface Access {
  /** Where the API is, such as `http://10.10.0.1:8000`. */
  url: string;
  /** An access token, or what gives the one of this moment. */
  token?: string | (() => string | Promise<string>);
  /** Instead of a token. */
  apiKey?: string;
  /** Id or slug, sent where a call names none: a log-in has to say which tenant it is about. */
  tenant?: string;
  /** How long one call may take. */
  timeoutMs?: number;
  /** What carries the requests; `fetch` where absent. */
  fetch?: (request: Request) => Promise<Response>;
}

const patienceMs = 30_000;

/** A client over TCP. Credentials go to `url` alone: a redirect is an error. */
export function createApiClient(access: Access): ApiClient {
  const { url, token, apiKey, tenant, timeoutMs = patienceMs, fetch = globalThis.fetch } = access;
  const client = createClient<paths, "application/json">({
    baseUrl: url.replace(/\/$/, ""),
    redirect: "error",
    fetch: (request) => fetch(new Request(request, { signal: within(request, timeoutMs) })),
  });
  client.use({
    async onRequest({ request }) {
      const bearer = typeof token === "function" ? await token() : token;
      if (bearer !== undefined) request.headers.set("Authorization", `Bearer ${bearer}`);
      if (apiKey !== undefined) request.headers.set("X-API-Key", apiKey);
      if (tenant !== undefined && !request.headers.has("X-Tenant-ID")) {
        request.headers.set("X-Tenant-ID", tenant);
      }
      return request;
    },
  });
  return client;
}

const within = (request: Request, timeoutMs: number) =>
  AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);

/** The operator's client, over the API's Unix socket (Deno alone). Its folder is the gate, so there is no token. */
export function createOperatorClient(
  socket: string,
  options: Pick<Access, "tenant" | "timeoutMs"> = {},
): ApiClient & Disposable {
  const http = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  return {
    ...createApiClient({
      ...options,
      // Deno asks DNS for the name even where the request goes to a Unix socket.
      url: "http://localhost",
      fetch: (request) => fetch(request, { client: http }),
    }),
    [Symbol.dispose]: () => http.close(),
  };
}

/** The API said no; `code` is stable, match on it. */
export class ApiRefusal extends Error {
  override name = "ApiRefusal";
  constructor(readonly problem: Problem) {
    // An API that has nothing more to say repeats the title.
    const { title, detail } = problem;
    super(detail && detail !== title ? `${title}: ${detail}` : title);
  }
  get code(): Problem["code"] {
    return this.problem.code;
  }
}

/** What a call of the client resolves to. */
export interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer of a call. @throws {ApiRefusal} @throws {SyntaxError} for what is no answer of this API */
export async function expect<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok && data !== undefined) return data;
  if (isProblem(error)) throw new ApiRefusal(error);
  throw new SyntaxError(`an answer of ${response.status} that is none of this API`);
}

function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "code" in error && "title" in error;
}

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** Every item of a list, page after page. @param list one page: `(query) => client.GET("/…", { params: { query } })` */
export async function everyItem<T>(
  list: (query: { limit: number; cursor?: string }) => Promise<Answer<Page<T>>>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const query = { limit: 200, ...(typeof cursor === "string" ? { cursor } : {}) };
    const page: Page<T> = await expect(list(query));
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}
