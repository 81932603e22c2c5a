import { createHash, timingSafeEqual } from "node:crypto";
import { isPermission } from "./permissions.ts";
import type { Principal } from "../context.ts";
import { asTenantId, type TenantId } from "../database/tenancy.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../errors.ts";
import { randomText } from "./random_text.ts";
import { understandOnce } from "./understand_once.ts";

/** `mc_<prefix>_<secret>`: the prefix finds the key, the secret is 256 random bits in base64url. */
const form = /^mc_([A-Za-z0-9]{12})_([A-Za-z0-9_-]{43})$/;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export interface NewKey {
  prefix: string;
  /** The whole key, to be shown once. */
  text: string;
  /** SHA-256 of the secret: of 256 random bits, nothing slower is needed. */
  digest: Uint8Array<ArrayBuffer>;
}

/** @param prefix that of a key whose secret is replaced; random where absent */
export function makeApiKey(prefix: string = randomText(alphabet, 12)): NewKey {
  const secret = crypto.getRandomValues(new Uint8Array(32))
    .toBase64({ alphabet: "base64url", omitPadding: true });
  return { prefix, text: `mc_${prefix}_${secret}`, digest: digestOf(secret) };
}

function digestOf(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(secret).digest());
}

interface KeyRow {
  tenant_id: number;
  id: string;
  user_id: number;
  secret_digest: Uint8Array;
  previous_secret_digest: Uint8Array | null;
  allowed_peers: string[] | null;
  rate_limit: number | null;
  /** Parted by commas. */
  permissions: string;
}

/** As many as keys of a few hundred tenants differ in. */
const permissionsOf = understandOnce(
  (text) => new Set(text.split(",").filter(isPermission)),
  256,
);

export interface FoundKey {
  principal: Principal & { kind: "api_key" };
  allowedPeers: readonly string[] | null;
}

const nobody = new Uint8Array(32);

/**
 * The key as the database has it this very moment, with what it may do: its scopes, as far as its maker may do
 * them himself. What is unknown, expired or revoked costs the same and is refused alike.
 * @returns whose it is where the secret alone is wrong: it is to be refused like the others, and recorded
 * @throws {ApiError} `invalid_token`
 */
export async function findApiKey(
  { tenancy, clock }: Pick<Deps, "tenancy" | "clock">,
  text: string,
): Promise<FoundKey | { wrongSecretOf: { tenantId: TenantId; apiKeyId: string } }> {
  const [, prefix = "", secret = ""] = form.exec(text) ?? [];
  const now = new Date(clock.now());
  const digest = digestOf(secret);
  const [row] = await tenancy.ask((sql) =>
    sql<KeyRow[]>`
      select tenant_id, id, user_id, secret_digest, previous_secret_digest, allowed_peers, rate_limit,
        array_to_string(permissions, ',') as permissions
      from api_key_in_force(${prefix}, ${now})`
  );
  const current = timingSafeEqual(digest, row?.secret_digest ?? nobody);
  const previous = timingSafeEqual(digest, row?.previous_secret_digest ?? nobody);
  if (!row) throw new ApiError("invalid_token");
  const tenantId = asTenantId(row.tenant_id);
  if (!(current || previous)) return { wrongSecretOf: { tenantId, apiKeyId: row.id } };
  return {
    principal: {
      kind: "api_key",
      tenantId,
      userId: row.user_id,
      apiKeyId: row.id,
      quota: row.rate_limit,
      permissions: permissionsOf(row.permissions),
    },
    allowedPeers: row.allowed_peers,
  };
}
