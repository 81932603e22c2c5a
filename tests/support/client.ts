import { type Access, type ApiClient, createApiClient } from "../../api/client/mod.ts";
import { operator, type RequestOptions, type TestApi } from "./api.ts";

/** The client without a process on the other side: the operator's where nothing else is said. */
export function clientOf(
  api: TestApi,
  { via = operator, ...access }: Pick<RequestOptions, "via"> & Omit<Access, "url" | "fetch"> = {},
): ApiClient {
  return createApiClient({
    ...access,
    url: "http://api.test",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const body = request.body === null ? {} : { raw: await request.text() };
      return await api.fetch(`${pathname}${search}`, {
        method: request.method,
        headers: Object.fromEntries(request.headers),
        ...body,
        via,
      });
    },
  });
}
