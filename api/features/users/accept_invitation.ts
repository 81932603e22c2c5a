import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { broughtToken, digestOneTimeToken, oneTimeToken } from "../../auth/one_time_token.ts";
import { readPasswordRules } from "../../auth/password_rules.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import {
  createOnce,
  earlierOf,
  idempotencyHeader,
  type IdempotencyKey,
  idempotencyKey,
} from "../../idempotency.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import { refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { jsonRequest, jsonResponse, refusals, type Router, tenantHeader } from "../../openapi.ts";
import { endEnrolment, farewellMs } from "../deliveries/mod.ts";
import {
  applyNow,
  makePeer,
  peerName,
  placeRefusals,
  provisionedPeer,
  provisionedView,
  publicKey,
  readPeer,
  removePeer,
  repeatPeer,
} from "../peers/mod.ts";
import { insertUserRole } from "../roles/mod.ts";
import { deleteInvitation, findOpenInvitation, type InvitationRow } from "./invitation_store.ts";
import { locale, phone, userName, userSchema } from "./schemas.ts";
import { insertUser, readUser } from "./store.ts";

const acceptBody = z.strictObject({
  token: broughtToken,
  password: z.string().min(1).max(1024),
  name: userName.exactOptional(),
  locale: locale.exactOptional(),
  phone: phone.exactOptional(),
  public_key: publicKey.exactOptional().openapi({
    description:
      "Your own key, for a permanent peer in the place of the enrolment peer. Without it one is made with a key of the server's, if this comes through an enrolment peer, and none otherwise",
  }),
  preshared_key: z.boolean().default(true),
  peer_name: peerName.exactOptional(),
});

export function acceptInvitation(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/invitations/accept",
    operationId: "acceptInvitation",
    summary: "Accept an invitation: become a user, and get a permanent peer",
    description:
      "User, role and peer are made together or not at all. The enrolment peer ends half a minute later, so that this answer arrives. A token that is unknown, used, withdrawn or too old, or whose inviter may not invite to that role any more, is 404 alike.",
    ...limitedAccess(deps, "login"),
    request: {
      headers: tenantHeader.extend(idempotencyHeader.shape),
      ...jsonRequest(acceptBody),
    },
    responses: {
      201: jsonResponse(
        z.object({
          user: userSchema,
          ...provisionedPeer.shape,
          peer: provisionedPeer.shape.peer.nullable(),
        }),
        "The user, and the permanent peer with its file, where one was made",
      ),
      ...refusals(
        "not_found",
        "email_taken",
        "public_key_taken",
        ...placeRefusals,
      ),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const tenantId = await namedTenant(deps, c);
    if (tenantId === undefined || !oneTimeToken.safeParse(body.token).success) {
      throw new ApiError("not_found");
    }
    const via = c.get("peer");
    if (via && via.userId !== null) {
      await refuseTunnel(deps, c, { tenantId, reason: "acceptance through a user's own peer" });
    }
    const digest = await digestOneTimeToken(body.token);
    const key = await idempotencyKey(c, `invitation:${digest.toHex()}`);
    const passwordHash = await hashNewPassword(deps, { tenantId, digest, key, body });
    const make = async (sql: TenantSql) => {
      const invitation = await findOpenInvitation(sql, open(deps, digest));
      // Of those who come with the same token at once, one takes it out.
      if (!passwordHash || !invitation || !await deleteInvitation(sql, invitation.id)) {
        throw new ApiError("not_found");
      }
      return await enrol(deps, c, sql, { tenantId, invitation, passwordHash, body });
    };
    const now = deps.clock.now();
    // The token is used up; who repeats the whole request, its password too, is whom it was answered to.
    const repeat = async (sql: TenantSql, earlier: string): Promise<Enrolled> => {
      const [user, id = ""] = earlier.split(" ");
      const owner = Number(user);
      const { status } = await readUser(sql, owner, new Date(now)) ?? {};
      if (status !== "active") throw new ApiError("not_found");
      const choice = { ...body, delivery: "inline" as const };
      const peer = id === ""
        ? null
        : await repeatPeer(deps, c, sql, { tenantId, owner, now, id, body: choice });
      return { userId: owner, peer, ended: [] };
    };
    const made = await deps.tenancy.transaction(tenantId, (sql) =>
      createOnce(sql, key, {
        tenantId,
        now,
        make: () => make(sql),
        repeat: (earlier) => repeat(sql, earlier),
        of: ({ userId, peer }) => `${userId} ${peer?.id ?? ""}`,
      }));
    return c.json(await answer(deps, c, tenantId, made), 201);
  });
}

const open = (deps: Pick<Deps, "clock">, digest: Uint8Array) => ({
  digest,
  now: new Date(deps.clock.now()),
});

/** Outside of a transaction, because it takes its time, and for nobody who has no good token. Null for a repetition. */
async function hashNewPassword(
  deps: Deps,
  { tenantId, digest, key, body }: {
    tenantId: TenantId;
    digest: Uint8Array;
    key: IdempotencyKey | undefined;
    body: z.infer<typeof acceptBody>;
  },
): Promise<string | null> {
  const wanted = await deps.tenancy.transaction(tenantId, async (sql) => {
    const invitation = await findOpenInvitation(sql, open(deps, digest));
    if (!invitation) {
      if (key && await earlierOf(sql, key, deps.clock.now()) !== null) return null;
      throw new ApiError("not_found");
    }
    return { invitation, rules: await readPasswordRules(sql) };
  });
  if (!wanted) return null;
  const { invitation, rules } = wanted;
  await deps.passwords.check(rules, body.password, {
    path: "password",
    personal: [invitation.email, body.name ?? invitation.name],
  });
  return await deps.hasher.hash(body.password, tenantId);
}

interface Enrolled {
  userId: number;
  peer: { id: string; config: string | null } | null;
  /** Whose place it takes: to be looked at by the daemon as well. */
  ended: string[];
}

/** Makes user, role and peer of an invitation that was just taken out. */
async function enrol(
  deps: Deps,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, invitation, passwordHash, body }: {
    tenantId: TenantId;
    invitation: InvitationRow;
    passwordHash: string;
    body: z.infer<typeof acceptBody>;
  },
): Promise<Enrolled> {
  const now = deps.clock.now();
  const via = c.get("peer");
  const enrolling = via?.kind === "enrolment";
  const userId = await insertUser(sql, {
    tenantId,
    email: invitation.email,
    passwordHash,
    name: body.name ?? invitation.name,
    locale: body.locale ?? invitation.locale,
    phone: body.phone ?? null,
    emailVerifiedAt: invitation.mailed ? new Date(now) : null,
  });
  const { role_id: roleId, invited_by: by } = invitation;
  await insertUserRole(sql, { tenantId, userId, roleId, by });
  const peer = body.public_key !== undefined || enrolling
    ? await makePeer(deps, c, sql, {
      tenantId,
      // The peer that an enrolment leads to was the inviter's to decide; any other is self-service.
      owner: enrolling ? null : userId,
      now,
      body: {
        name: body.peer_name ?? [...invitation.email].slice(0, 64).join(""),
        user_id: userId,
        public_key: body.public_key,
        preshared_key: body.preshared_key,
        delivery: "inline",
      },
    })
    : null;
  // Through its own peer the answer still has to travel.
  const own = invitation.peer_id;
  if (enrolling) await endEnrolment(sql, { id: via.peerId, at: new Date(now + farewellMs) });
  if (own !== null && own !== via?.peerId) await removePeer(sql, { id: own, owner: null });
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c, userId),
    action: "user.accept_invitation",
    outcome: "succeeded",
    target: { type: "user", id: String(userId) },
    details: {
      invitation_id: invitation.id,
      email: invitation.email,
      role: invitation.role,
      invited_by: by,
      peer_id: peer?.id ?? null,
    },
  });
  return { userId, peer, ended: own !== null && own !== via?.peerId ? [own] : [] };
}

async function answer(
  deps: Deps,
  c: Context<AppEnv>,
  tenantId: TenantId,
  { userId, peer, ended }: Enrolled,
) {
  const touched = [...(peer ? [peer.id] : []), ...ended];
  if (touched.length > 0) await applyNow(deps, c, touched);
  const now = new Date(deps.clock.now());
  const { user, view } = await deps.tenancy.transaction(tenantId, async (sql) => ({
    user: await readUser(sql, userId, now),
    view: peer && await readPeer(sql, { id: peer.id, owner: userId }, now),
  }));
  if (!user) throw new ApiError("not_found");
  return {
    user,
    ...(peer && view
      ? provisionedView({ peer: view, config: peer.config })
      : { peer: null, config: null, qr: null, delivery: null }),
  };
}
