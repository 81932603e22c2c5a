import assert from "node:assert/strict";
import { totpCode } from "../../api/auth/totp.ts";
import { loopback, type Persona, type RequestOptions, type TestApi } from "./api.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code that an app shows at a moment for the secret that `POST /mfa/setup` answered. */
export function codeAt(secret: string, at: number): string {
  const bits = [...secret].map((char) => alphabet.indexOf(char).toString(2).padStart(5, "0"))
    .join("");
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));
  return totpCode(new Uint8Array(bytes), at);
}

/** A code that is wrong at a moment, and for a minute before and after it: of a million, no less. */
export function wrongCodeAt(secret: string, at: number): string {
  const near = [-60, -30, 0, 30, 60].map((seconds) => codeAt(secret, at + seconds * 1000));
  for (let n = 271_828;; n++) {
    const code = String(n).padStart(6, "0");
    if (!near.includes(code)) return code;
  }
}

/** A user with an authenticator app. */
export interface Equipped extends Persona {
  secret: string;
  recoveryCodes: string[];
}

/** The next minute's code: none before it is good any more, and no limit counts what was tried before. */
export function nextCode(api: TestApi, { secret }: Pick<Equipped, "secret">): string {
  api.clock.advance(61_000);
  return codeAt(secret, api.clock.now());
}

/** Sets a second factor up in the session that the persona has. */
export async function equip(
  api: TestApi,
  who: Persona,
  { via = loopback }: Pick<RequestOptions, "via"> = {},
): Promise<Equipped> {
  const setup = await api.request("/api/v1/mfa/setup", { method: "POST", via, token: who.token });
  assert.equal(setup.status, 200, setup.text);
  const { secret } = setup.body;
  const enabled = await api.request("/api/v1/mfa/enable", {
    via,
    token: who.token,
    body: { code: codeAt(secret, api.clock.now()) },
  });
  assert.equal(enabled.status, 200, enabled.text);
  return { ...who, secret, recoveryCodes: enabled.body.recovery_codes };
}

/** The first step of a log-in: its answer asks for the code. */
export async function beginLogIn(
  api: TestApi,
  who: Pick<Persona, "slug" | "email" | "password">,
  { via = loopback }: Pick<RequestOptions, "via"> = {},
): Promise<string> {
  const reply = await api.request("/api/v1/auth/login", {
    via,
    tenant: who.slug,
    body: { email: who.email, password: who.password },
  });
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.body.mfa_required, true, reply.text);
  return reply.body.mfa_session_token;
}

/** Both steps, a minute later. */
export async function logInWithMfa(
  api: TestApi,
  who: Equipped,
  { via = loopback, body }: Pick<RequestOptions, "via"> & { body?: Record<string, unknown> } = {},
): Promise<Equipped & { trustedDevice: string | undefined }> {
  const code = nextCode(api, who);
  const mfa_session_token = await beginLogIn(api, who, { via });
  const reply = await api.request("/api/v1/auth/login/mfa", {
    via,
    tenant: who.slug,
    body: { mfa_session_token, code, ...body },
  });
  assert.equal(reply.status, 200, reply.text);
  return {
    ...who,
    token: reply.body.access_token,
    refreshToken: reply.body.refresh_token,
    trustedDevice: reply.body.trusted_device,
  };
}
