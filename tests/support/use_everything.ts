import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  operator,
  type Persona,
  type RequestOptions,
  superadminOf,
  type TestApi,
  tunnelFrom,
  userOf,
} from "./api.ts";
import { tokenIn, waitingMails } from "./mails.ts";
import { beginLogIn, codeAt, equip, logInWithMfa, nextCode, wrongCodeAt } from "./totp.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { livingGateway } from "./gateways.ts";

export const chosen = (n: number) => `Quince-marmalade ${n} lanterns!`;

/** Every operation that takes or hands out a secret, as users would, in success and in failure. */
export async function useEverything(api: TestApi, noteMails: () => Promise<void>): Promise<void> {
  const send = async (path: string, options: RequestOptions, status = 200) => {
    const reply = await api.request(`/api/v1${path}`, { via: loopback, ...options });
    assert.equal(reply.status, status, `${path}: ${reply.text}`);
    return reply.body;
  };
  const mailed = async (template: string) => {
    await noteMails();
    return tokenIn((await waitingMails(api)).findLast((mail) => mail.template === template));
  };
  await superadminOf(api);
  const acme = await adminOf(api, "acme");
  const { token } = acme;
  const tenant = "acme";
  await send("/tenants/current", { token, method: "PATCH", body: { registration: "open" } });

  // Invitations: shown, mailed with a file, and accepted through the enrolment peer.
  const other = await send("/tenants", {
    via: operator,
    body: { slug: "other", name: "Other", admin_email: "first@other.example" },
  }, 201);
  await send("/users/invitations/accept", {
    via: tunnelFrom(other.enrolment.peer.address),
    tenant: "other",
    body: { token: other.token, password: chosen(1) },
  }, 201);
  await send("/users/invitations", {
    token,
    body: { email: "inline@acme.example", delivery: "inline" },
  }, 201);
  await send("/users/invitations", { token, body: { email: "mailed@acme.example" } }, 201);
  await send("/users/invitations/accept", {
    tenant,
    body: { token: await mailed("invitation"), password: chosen(2) },
  }, 201);

  // Registration, and passwords that are reset, changed, imported and mistyped.
  await send("/auth/register", {
    tenant,
    body: { email: "new@acme.example", password: chosen(3) },
  }, 202);
  await send("/auth/verify-email", { tenant, body: { token: await mailed("registration") } });
  await send("/password-reset/request", { tenant, body: { email: "new@acme.example" } }, 202);
  const reset = await mailed("password_reset");
  await send(`/password-reset/validate/${reset}`, { tenant });
  await send("/password-reset/confirm", {
    tenant,
    body: { token: reset, new_password: chosen(4) },
  });
  await send("/users/import", {
    via: operator,
    tenant,
    body: {
      email: "imported@acme.example",
      password_hash: "$2b$10$abcdefghijklmnopqrstuuIvTaWLkVkDtAyHKtPXdIHRZtMbLXeDa",
    },
  }, 201);
  for (let n = 0; n < 6; n++) {
    await api.request("/api/v1/auth/login", {
      via: loopback,
      tenant,
      body: { email: "new@acme.example", password: `${chosen(4)}${n}` },
    });
  }
  await api.request("/api/v1/auth/login", {
    via: loopback,
    tenant,
    body: { email: acme.email, password: { nested: chosen(5) }, token: chosen(6) },
  });
  await api.request("/api/v1/auth/login", {
    via: loopback,
    tenant,
    raw: `{"email": "x@acme.example", "password": "${chosen(7)}"`,
  });
  const ada = await userOf(api, acme, { email: "ada@acme.example" });
  await send("/auth/change-password", {
    token: ada.token,
    body: { current_password: ada.password, new_password: chosen(8) },
  });
  await send("/auth/step-up", { token: ada.token, body: { password: chosen(8) } });
  const refreshed = await send("/auth/refresh", { body: { refresh_token: ada.refreshToken } });
  await send("/auth/verify-token", { body: { token: refreshed.access_token } });
  await send("/auth/verify-email/resend", { tenant, body: { email: ada.email } }, 202);
  await send("/auth/verify-email", { tenant, body: { token: await mailed("verify_email") } });

  await secondFactors(api, send, { acme, ada: { ...ada, password: chosen(8) } });

  // The codes, one a minute, took longer than a step-up lasts.
  const fresh = await logIn(api, acme);
  const { key, api_key } = await send("/api-keys", {
    token: fresh.token,
    body: { name: "ci", scopes: ["users.read"] },
  }, 201);
  await send("/users", { headers: { "X-API-Key": key } });
  const rotated = await send(`/api-keys/${api_key.id}/rotate`, { token: fresh.token, body: {} });
  await send("/users", { headers: { "X-API-Key": rotated.key } });
  await api.request("/api/v1/users", { via: loopback, headers: { "X-API-Key": `${key}x` } });

  await tunnels(send, fresh);
  await moves(send, api, fresh);
  const tenants = `/tenants/${fresh.tenantId}`;
  await send(`${tenants}/suspend`, { via: operator, method: "POST" }, 202);
  await send(`${tenants}/resume`, { via: operator, method: "POST" });
}

type Send = (path: string, options: RequestOptions, status?: number) => Promise<
  // deno-lint-ignore no-explicit-any
  any
>;

async function secondFactors(
  api: TestApi,
  send: Send,
  { acme, ada }: { acme: Persona; ada: Persona },
): Promise<void> {
  const equipped = await equip(api, ada);
  const back = await logInWithMfa(api, equipped, { body: { trust_device: true } });
  const { token } = back;
  await send("/auth/login", {
    tenant: ada.slug,
    body: { email: ada.email, password: ada.password, trusted_device: back.trustedDevice },
  });
  await send("/auth/step-up", { token, body: { code: nextCode(api, back) } });
  await send("/mfa/verify", { token, body: { code: nextCode(api, back) } });
  api.clock.advance(61_000);
  const wrong = wrongCodeAt(back.secret, api.clock.now());
  await send("/mfa/verify", { token, body: { code: wrong } }, 401);
  await send("/mfa/recovery/verify", { token, body: { code: equipped.recoveryCodes[0] } });
  const more = await send("/mfa/recovery/regenerate", {
    token,
    body: { code: nextCode(api, back) },
  });
  const session = await beginLogIn(api, back);
  await send("/auth/login/mfa", {
    tenant: ada.slug,
    body: { mfa_session_token: session, code: more.recovery_codes[3] },
  });
  await send("/mfa/disable", {
    token,
    body: { password: ada.password, code: nextCode(api, back) },
  });
  // Whoever must have a factor and has none sets one up within the log-in.
  const bob = await send("/users", { token: acme.token, body: { email: "bob@acme.example" } }, 201);
  await send(`/users/${bob.user.id}/mfa`, {
    via: operator,
    tenant: acme.slug,
    method: "PUT",
    body: { required: true },
  });
  const pending = await send("/auth/login", {
    tenant: acme.slug,
    body: { email: bob.user.email, password: bob.password },
  });
  const setup = await send("/mfa/setup", { token: pending.mfa_setup_token, method: "POST" });
  const code = codeAt(setup.secret, api.clock.now());
  await send("/mfa/enable", { token: pending.mfa_setup_token, body: { code } });
}

async function tunnels(send: Send, acme: Persona): Promise<void> {
  const { token, slug: tenant } = acme;
  for (const base of ["/wireguard/peers", "/wireguard/me/peers"]) {
    const { peer } = await send(base, { token, body: { name: "laptop" } }, 201);
    await send(`${base}/${peer.id}/rotate`, { token, body: {} });
    const linked = await send(base, { token, body: { name: "phone", delivery: "link" } }, 201);
    await send("/wireguard/deliveries", { tenant, body: { token: linked.delivery.token } });
    // One that nobody fetched yet: the file waits in the database.
    await send(base, { token, body: { name: "tablet", delivery: "link" } }, 201);
    await send(`${base}/${peer.id}/rotate`, { token, body: { delivery: "link" } });
  }
  await send("/wireguard/peers/bulk", {
    token,
    body: { peers: [{ name: "one" }, { name: "two" }] },
  }, 201);
  const [{ publicKey }, preshared] = [await generateKeyPair(), await generateKeyPair()];
  await send("/wireguard/import", {
    via: operator,
    tenant,
    body: {
      peers: [{
        name: "moved",
        public_key: publicKey,
        preshared_key: preshared.publicKey,
        allowed_ips: ["10.10.9.9/32"],
      }],
      apply: true,
    },
  });
  await send("/wireguard/export", { via: operator, tenant, body: { secrets: true } });
}

/** To another gateway, with a file and with a link. */
async function moves(send: Send, { db }: TestApi, { token }: Persona): Promise<void> {
  await using _one = await livingGateway(db, { id: 1 });
  await using _two = await livingGateway(db, { id: 2, network: "10.77.0.0/24" });
  const body = { name: "desktop", gateway_id: 1 };
  const { peer } = await send("/wireguard/peers", { token, body }, 201);
  await send(`/wireguard/peers/${peer.id}/move`, { token, body: { gateway_id: 2 } });
  const { peer: other } = await send("/wireguard/peers", { token, body }, 201);
  const linked = { gateway_id: 2, delivery: "link" };
  await send(`/wireguard/peers/${other.id}/move`, { token, body: linked });
}
