import { loopback, type Persona, type RequestOptions, type TestApi } from "./api.ts";

export type Via = NonNullable<RequestOptions["via"]>;

/** Completes a log-in by a code. */
export const complete = (
  api: TestApi,
  mfa_session_token: string,
  code: string,
  { via = loopback, tenant = "acme", ...body }:
    & { via?: Via; tenant?: string | number }
    & Record<
      string,
      unknown
    > = {},
) =>
  api.request("/api/v1/auth/login/mfa", {
    via,
    tenant,
    body: { mfa_session_token, code, ...body },
  });

/** The first step of a log-in. */
export const login = (
  api: TestApi,
  who: Persona,
  body: Record<string, unknown> = {},
  via: Via = loopback,
) =>
  api.request("/api/v1/auth/login", {
    via,
    tenant: who.slug,
    body: { email: who.email, password: who.password, ...body },
  });

/** Posts with the token of a persona. */
export const post = (
  api: TestApi,
  who: Pick<Persona, "token">,
  path: string,
  body?: unknown,
  via: Via = loopback,
) => api.request(`/api/v1${path}`, { method: "POST", via, token: who.token, body });

/** What a tenant demands of its users, or lets them. */
export const demand = (api: TestApi, who: Persona, settings: Record<string, unknown>) =>
  api.request("/api/v1/tenants/current", { method: "PATCH", tenant: who.slug, body: settings });
