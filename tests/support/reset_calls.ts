import assert from "node:assert/strict";
import { loopback, type RequestOptions, type TestApi } from "./api.ts";
import { tokenIn, waitingMails } from "./mails.ts";

/** Good by every policy. */
export const strong = "Quince-marmalade 41 lanterns!";

/** Of somebody without a token, who names his tenant. */
export function post(
  api: TestApi,
  path: string,
  body: unknown,
  options: { tenant?: string; via?: RequestOptions["via"] } = {},
) {
  const { tenant = "acme", via = loopback } = options;
  return api.request(`/api/v1${path}`, { tenant, via, body });
}

/** Asks for a link; @returns its token. */
export async function resetToken(api: TestApi, email: string): Promise<string> {
  const reply = await post(api, "/password-reset/request", { email });
  assert.equal(reply.status, 202, reply.text);
  const mails = (await waitingMails(api)).filter((mail) => mail.template === "password_reset");
  return tokenIn(mails.at(-1));
}

export const confirm = (api: TestApi, token: string, new_password = strong) =>
  post(api, "/password-reset/confirm", { token, new_password });
export const validate = (api: TestApi, token: string, tenant = "acme") =>
  api.request(`/api/v1/password-reset/validate/${token}`, { via: loopback, tenant });
