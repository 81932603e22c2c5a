import type { Context } from "hono";
import { z } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import type { Secret } from "../../../lib/secret.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { createOneTimeToken } from "../../auth/one_time_token.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { demandAllowance, locales, pageLink, queueMail } from "../../mail/mod.ts";
import { timestamp } from "../../openapi.ts";
import {
  applyNow,
  makePeer,
  provisionedPeer,
  provisionedView,
  readPeer,
  repeatPeer,
} from "../peers/mod.ts";
import type { RoleRow } from "../roles/mod.ts";
import {
  clearEndedInvitations,
  findInvitation,
  insertInvitation,
  type InvitationRow,
  readNames,
  replaceToken,
} from "./invitation_store.ts";
import type { locale } from "./schemas.ts";
import { isUser } from "./store.ts";

const enrolmentKeys = { preshared_key: true, delivery: "inline" as const };

/** As long as the enrolment peer that goes with it may last, and as its mail is tried. */
const invitationMs = 24 * 3_600_000;

export const invitationSchema = z.object({
  id: z.uuid(),
  email: z.string(),
  name: z.string(),
  locale: z.enum(locales),
  role: z.string(),
  invited_by: z.int().nullable().openapi({ description: "The user; null for the operator" }),
  peer_id: z.uuid().nullable().openapi({ description: "Its enrolment peer" }),
  status: z.enum(["pending", "expired"]),
  created_at: timestamp,
  expires_at: timestamp,
}).openapi("Invitation");

/** How the token reaches the person who is invited. */
export const invitationChoice = {
  enrolment: z.boolean().default(true).openapi({
    description: "Makes an enrolment peer, for whoever has no tunnel yet",
  }),
};
export const invitationDelivery = z.enum(["mail", "inline"]).openapi({
  description:
    "`mail` sends link and tunnel file to the address and shows them to nobody; `inline` answers them, this once, and sends nothing",
});

export const invitedSchema = z.object({
  invitation: invitationSchema,
  token: z.string().nullable().openapi({
    description:
      "Null where it was mailed; a repeated request answers another one, and the one before is void",
  }),
  link: z.string().nullable(),
  enrolment: provisionedPeer.nullable().openapi({
    description: "The enrolment peer, with its file unless that was mailed",
  }),
});

export function viewInvitation(row: InvitationRow, now: number) {
  const { permissions: _, role_id: _role, mailed: _mailed, created_at, expires_at, ...rest } = row;
  return {
    ...rest,
    status: expires_at.getTime() > now ? "pending" as const : "expired" as const,
    created_at: created_at.toISOString(),
    expires_at: expires_at.toISOString(),
  };
}

/** What an invitation gave, before it is committed. */
export interface Invited {
  invitation: InvitationRow;
  token: Secret<string>;
  /** Nobody is shown the token, nor the peer's file. */
  mailed: boolean;
  peer: { id: string; config: string | null } | null;
}

/**
 * Invites somebody, in the transaction of what asks for it; with the enrolment peer and the mail, or not at all.
 * The caller has checked that the role is the inviter's to give.
 * @throws {ApiError} `email_taken`, `already_invited`, `rate_limited` or `too_many_mails` where too many
 * mails went to the address or from the tenant, and what making a peer throws
 */
export async function invite(
  deps: Deps,
  c: Context<AppEnv>,
  sql: TenantSql,
  wanted: {
    tenantId: TenantId;
    email: string;
    name: string;
    locale: z.infer<typeof locale>;
    role: Pick<RoleRow, "id" | "name">;
    enrolment: boolean;
    delivery: z.infer<typeof invitationDelivery>;
  },
): Promise<Invited> {
  const { tenantId, email, role } = wanted;
  const now = deps.clock.now();
  const at = new Date(now);
  const expiresAt = new Date(now + invitationMs);
  // The platform's superadmin invites into other tenants, in which he is no user.
  const principal = c.get("principal");
  const invitedBy = principal && principal.kind !== "operator" && principal.tenantId === tenantId
    ? principal.userId
    : null;
  if (await isUser(sql, email)) throw new ApiError("email_taken");
  await clearEndedInvitations(sql, { email, now: at });
  const { text: token, digest } = await createOneTimeToken();
  const mailed = wanted.delivery === "mail";
  const peer = wanted.enrolment
    ? await makePeer(deps, c, sql, {
      tenantId,
      owner: null,
      now,
      body: {
        name: [...`enrolment of ${email}`].slice(0, 64).join(""),
        kind: "enrolment",
        expires_at: expiresAt.toISOString(),
        ...enrolmentKeys,
      },
    })
    : null;
  const id = uuidv7({ msecs: now });
  await insertInvitation(sql, {
    ...wanted,
    id,
    roleId: role.id,
    digest,
    mailed,
    invitedBy,
    peerId: peer?.id ?? null,
    at,
    expiresAt,
  });
  if (mailed) {
    // Here, where nothing else can refuse it: whoever withdraws and invites again sends no more than whoever waits.
    await demandAllowance(deps, { kind: "invitation", tenantId, to: email });
    const names = await readNames(sql, invitedBy);
    await queueMail(deps, sql, {
      tenantId,
      id,
      to: email,
      locale: wanted.locale,
      template: "invitation",
      data: {
        link: pageLink(deps, "accept", { tenantId, token }),
        tenantName: names.tenant,
        invitedBy: names.inviter,
        ...(peer?.config ? { confFile: peer.config } : {}),
      },
    });
  }
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: "user.invite",
    outcome: "succeeded",
    target: { type: "invitation", id },
    details: { email, role: role.name, mailed, peer_id: peer?.id ?? null },
  });
  const invitation = await findInvitation(sql, { id });
  if (!invitation) throw new ApiError("not_found");
  return { invitation, token, mailed, peer };
}

/**
 * The same for an invitation that is asked for again: nothing of the answer before was kept, so what was to be shown
 * is made anew. A mail is not sent twice.
 * @throws {ApiError} `not_found` where it was accepted or withdrawn in between, or is over
 */
export async function repeatInvitation(
  deps: Deps,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, id }: { tenantId: TenantId; id: string },
): Promise<Invited> {
  const now = deps.clock.now();
  const invitation = await findInvitation(sql, { id });
  if (!invitation || invitation.expires_at.getTime() <= now) throw new ApiError("not_found");
  const { mailed, peer_id } = invitation;
  const { text: token, digest } = await createOneTimeToken();
  if (mailed) {
    const peer = peer_id === null ? null : { id: peer_id, config: null };
    return { invitation, token, mailed, peer };
  }
  await replaceToken(sql, { id, digest });
  const peer = peer_id === null ? null : await repeatPeer(deps, c, sql, {
    tenantId,
    owner: null,
    now,
    body: enrolmentKeys,
    id: peer_id,
  });
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: "user.invite",
    outcome: "succeeded",
    target: { type: "invitation", id },
    details: { email: invitation.email, role: invitation.role, mailed, peer_id, repeated: true },
  });
  return { invitation, token, mailed, peer };
}

/** The answer to an invitation, after its commit: secrets once, or not at all where they were mailed. */
export async function answerInvited(
  deps: Deps,
  c: Context<AppEnv>,
  { tenantId, invited }: { tenantId: TenantId; invited: Invited },
): Promise<z.input<typeof invitedSchema>> {
  const { invitation, token, mailed, peer } = invited;
  const now = deps.clock.now();
  if (peer) await applyNow(deps, c, [peer.id]);
  const view = peer && await deps.tenancy.transaction(
    tenantId,
    (sql) => readPeer(sql, { id: peer.id, owner: null }, new Date(now)),
  );
  return {
    invitation: viewInvitation(invitation, now),
    token: mailed ? null : token.reveal(),
    link: mailed ? null : pageLink(deps, "accept", { tenantId, token }),
    enrolment: peer && view
      ? provisionedView({ peer: view, config: mailed ? null : peer.config })
      : null,
  };
}
