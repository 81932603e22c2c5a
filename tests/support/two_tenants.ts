import { createOneTimeToken } from "../../api/auth/one_time_token.ts";
import assert from "node:assert/strict";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { adminOf, loopback, type Persona, type RequestOptions, type TestApi } from "./api.ts";
import { isPlatforms, type Operation, pathParameters } from "./operations.ts";
import { type FieldValue, sampleOf } from "./schema_values.ts";

/** One of two tenants that must not notice each other, with what a generated request to it is made of. */
export interface Side {
  persona: Persona;
  /** Ids for the path of an operation, of things made just now. @throws for a path that nobody taught it */
  pathIds(operation: Operation): Promise<Record<string, string | number>>;
  /** An id for a field or query parameter of that name; undefined where the name is none of an id. */
  idFor(name: string): string | number | string[] | undefined;
  /** A body that the operation takes. */
  bodyFor(operation: Operation): unknown;
  /** How whoever may do the operation does it: the tenant's admin, or the operator in its name. */
  caller(operation: Operation): RequestOptions;
}

/** Names of fields that end as ids do and name nothing of a tenant that could be another's. */
const noIds = new Set(["request_id", "tenant_id", "gateway_id"]);
export const isIdName = (name: string) =>
  (/_ids?$/.test(name) || name === "allowed_peers") && !noIds.has(name);

let counter = 0;
/** Told from everything else, and short enough for every name. */
const unique = (slug: string) => `${slug}-${++counter}`;

export async function sideOf(api: TestApi, slug: string): Promise<Side> {
  const persona = await adminOf(api, slug);
  const make = makers(api, persona);
  const ids: Record<string, string | number | string[]> = {
    user_id: persona.userId,
    actor_user_id: persona.userId,
    target_id: String(persona.userId),
    peer_id: String(await make.peer()),
    grant_id: String(await make.grant()),
    role_id: await make.role(),
  };
  ids["allowed_peers"] = [String(ids["peer_id"])];
  const { publicKey } = await generateKeyPair();
  const field = fieldValues(api, { slug, ids, publicKey });
  return {
    persona,
    idFor: (name) => ids[name],
    async pathIds(operation) {
      const names = pathParameters(operation).map(({ name }) => name);
      if (names.length === 0) return {};
      const [, maker] = paths.find(([pattern]) => pattern.test(operation.template)) ?? [];
      if (!maker) {
        throw new Error(
          `${operation.name}: teach tests/support/two_tenants.ts to make what this path names`,
        );
      }
      return await maker(make);
    },
    bodyFor(operation) {
      if (operation.body === undefined) return undefined;
      const written = bodies[operation.name];
      return written ? written({ ids, slug, persona }) : sampleOf(operation.body, field);
    },
    caller: (operation) =>
      isPlatforms(operation) ? { tenant: slug } : { via: loopback, token: persona.token },
  };
}

function makers(api: TestApi, admin: Persona) {
  const post = async (path: string, body: unknown, as: RequestOptions = { token: admin.token }) => {
    const reply = await api.request(`/api/v1${path}`, { ...as, method: "POST", body });
    assert(reply.status < 300, `${path}: ${reply.text}`);
    return reply.body;
  };
  const asOperator = { tenant: admin.slug };
  const name = () => unique(admin.slug);
  return {
    admin,
    peer: async (): Promise<string> => (await post("/wireguard/peers", { name: name() })).peer.id,
    ownPeer: async (): Promise<string> => {
      // Inserting it directly would miss what self-service asks of a row.
      await api.db.owner`update tenants set user_peer_quota = 1000 where id = ${admin.tenantId}`;
      return (await post("/wireguard/me/peers", { name: name() })).peer.id;
    },
    session: async (): Promise<string> => {
      const id = crypto.randomUUID();
      await api.db.owner`
        insert into sessions (tenant_id, id, user_id, refresh_rotated_at, refresh_expires_at, created_at,
          last_seen_at, expires_at)
        select tenant_id, ${id}, user_id, refresh_rotated_at, refresh_expires_at, created_at, last_seen_at, expires_at
        from sessions where tenant_id = ${admin.tenantId} and user_id = ${admin.userId} and ended_at is null limit 1`;
      return id;
    },
    apiKey: async (): Promise<string> =>
      (await post("/api-keys", { name: name(), scopes: ["users.read"] })).api_key.id,
    trustedDevice: async (): Promise<string> => {
      const id = crypto.randomUUID();
      await api.db.owner`
        insert into mfa_trusted_devices (tenant_id, id, user_id, token_digest, device_name, user_agent, created_at,
          expires_at)
        values (${admin.tenantId}, ${id}, ${admin.userId}, sha256(${id}::text::bytea), '', '', now(), now() + interval '1 day')`;
      return id;
    },
    gateway: async (): Promise<number> => {
      const [row] = await api.db.owner<[{ id: number }]>`
        insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
          select max(id) + 1, 'wg' || max(id), ('10.200.' || max(id) || '.0/28')::cidr, 51820, 'a.example:51820', 1420
          from wg_interfaces
        returning id`;
      return row.id;
    },
    resetToken: async (): Promise<string> => {
      const { text, digest } = await createOneTimeToken();
      await api.db.owner`
        insert into one_time_tokens (tenant_id, token_digest, purpose, user_id, email, created_at, expires_at)
        values (${admin.tenantId}, ${digest}, 'password_reset', ${admin.userId}, ${admin.email}, now(),
          now() + interval '30 minutes')
        on conflict (tenant_id, user_id, purpose) do update set token_digest = excluded.token_digest`;
      return text.reveal();
    },
    grant: async (): Promise<string> =>
      (await post("/wireguard/grants", {
        name: name(),
        network: "192.168.20.0/24",
        protocol: "tcp",
      }, asOperator)).id,
    role: async (): Promise<number> => {
      const [row] = await api.db.owner<[{ id: number }]>`
        insert into roles (tenant_id, name) values (${admin.tenantId}, ${name()}) returning id`;
      return row.id;
    },
    user: async (): Promise<number> =>
      (await post("/users", { email: `${name()}@${admin.slug}.example` })).user.id,
    invitation: async (): Promise<string> =>
      (await post("/users/invitations", { email: `${name()}@${admin.slug}.example` }))
        .invitation.id,
    tenant: async (): Promise<number> => {
      const slug = name();
      const body = { slug, name: slug, admin_email: `admin@${slug}.example` };
      return (await post("/tenants", body, {})).tenant.id;
    },
    userRole: async (userId: number, roleId: number) => {
      await post(`/users/${userId}/roles`, { role_id: roleId });
    },
  };
}

type Make = ReturnType<typeof makers>;

/** What stands in the paths of operations; the first that fits. */
const paths: [RegExp, (make: Make) => Promise<Record<string, string | number>>][] = [
  [/^\/api\/v1\/wireguard\/me\/peers\/\{id\}/, async (make) => ({ id: await make.ownPeer() })],
  [/^\/api\/v1\/wireguard\/peers\/\{id\}/, async (make) => ({ id: await make.peer() })],
  [/^\/api\/v1\/wireguard\/gateways\/\{id\}/, async (make) => ({ id: await make.gateway() })],
  [/^\/api\/v1\/wireguard\/grants\/\{id\}/, async (make) => ({ id: await make.grant() })],
  [
    /^\/api\/v1\/password-reset\/validate\/\{token\}/,
    async (make) => ({ token: await make.resetToken() }),
  ],
  [/^\/api\/v1\/sessions\/\{id\}/, async (make) => ({ id: await make.session() })],
  [
    /^\/api\/v1\/mfa\/trusted-devices\/\{id\}/,
    async (make) => ({ id: await make.trustedDevice() }),
  ],
  [/^\/api\/v1\/api-keys\/\{id\}/, async (make) => ({ id: await make.apiKey() })],
  [/^\/api\/v1\/roles\/\{id\}/, async (make) => ({ id: await make.role() })],
  [/^\/api\/v1\/users\/invitations\/\{id\}/, async (make) => ({ id: await make.invitation() })],
  [/^\/api\/v1\/users\/\{id\}\/roles\/\{role_id\}/, async (make) => {
    const [id, role_id] = [await make.user(), await make.role()];
    await make.userRole(id, role_id);
    return { id, role_id };
  }],
  [/^\/api\/v1\/users\/\{id\}/, async (make) => ({ id: await make.user() })],
  [/^\/api\/v1\/tenants\/\{id\}/, async (make) => ({ id: await make.tenant() })],
];

/** What does nothing without a code that an authenticator shows just now; api/features/mfa has its tests. */
export const takesCode = ({ template }: Operation) =>
  /^\/api\/v1\/mfa\/(enable|disable|verify|recovery\/\w+)$/.test(template);

interface BodyFacts {
  slug: string;
  ids: Record<string, string | number | string[]>;
  persona: Persona;
}

/** Bodies that cannot be told from the schema. */
const bodies: Record<string, (facts: BodyFacts) => unknown> = {
  "POST /api/v1/auth/step-up": ({ persona }) => ({ password: persona.password }),
  "POST /api/v1/auth/change-password": ({ persona }) => ({
    current_password: persona.password,
    new_password: `${persona.slug} rides 7 Blue otters!`,
  }),
  "POST /api/v1/users/import": ({ slug }) => ({
    email: `${unique("imported")}@${slug}.example`,
    password_hash: `$2b$10$${"x".repeat(53)}`,
  }),
};

function fieldValues(
  api: TestApi,
  { slug, ids, publicKey }: Omit<BodyFacts, "persona"> & { publicKey: string },
): FieldValue {
  const values: Record<string, () => unknown> = {
    name: () => unique(slug),
    slug: () => unique(slug),
    email: () => `${unique("somebody")}@${slug}.example`,
    admin_email: () => `${unique("admin")}@${slug}.example`,
    expires_at: () => new Date(api.clock.now() + 3_600_000).toISOString(),
    public_keys: () => [publicKey],
    scopes: () => ["users.read"],
    role: () => "user",
  };
  return (name, schema) => {
    if (name in ids) return ids[name];
    // A key is one peer's: what is optional in truth is given nowhere.
    if (name === "public_key") return schema.type === "string" ? undefined : null;
    return values[name]?.();
  };
}
