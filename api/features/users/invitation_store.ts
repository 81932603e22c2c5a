import type { Permission } from "../../auth/permissions.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Locale } from "../../mail/mod.ts";
import { permissionsOfRole } from "../roles/mod.ts";

export interface InvitationRow {
  id: string;
  email: string;
  name: string;
  locale: Locale;
  role_id: number;
  role: string;
  /** What the role permits. */
  permissions: Permission[];
  mailed: boolean;
  invited_by: number | null;
  peer_id: string | null;
  created_at: Date;
  expires_at: Date;
}

function selectInvitations(sql: TenantSql) {
  return sql`
    select i.id, i.email, i.name, i.locale, i.role_id, r.name as role, ${
    permissionsOfRole(sql)
  } as permissions,
      i.mailed, i.invited_by, i.peer_id, i.created_at, i.expires_at
    from invitations i join roles r on r.tenant_id = i.tenant_id and r.id = i.role_id`;
}

/** Newest first: ids are UUIDv7. */
export async function listInvitations(
  sql: TenantSql,
  page: { before: string | null; limit: number },
): Promise<InvitationRow[]> {
  return await sql<InvitationRow[]>`
    ${selectInvitations(sql)}
    where ${page.before}::uuid is null or i.id < ${page.before}
    order by i.id desc limit ${page.limit}`;
}

export async function findInvitation(
  sql: TenantSql,
  by: { id: string } | { email: string },
): Promise<InvitationRow | undefined> {
  const [row] = await sql<InvitationRow[]>`
    ${selectInvitations(sql)}
    where ${"id" in by ? sql`i.id = ${by.id}` : sql`i.email = ${by.email}`}`;
  return row;
}

/**
 * The invitation that a token accepts, or that of an address, if it is good at this moment: its tenant active, and
 * its inviter somebody who may still invite, and give for good what the role permits by now.
 */
export async function findOpenInvitation(
  sql: TenantSql,
  by: ({ digest: Uint8Array } | { email: string }) & { now: Date },
): Promise<InvitationRow | undefined> {
  const [row] = await sql<InvitationRow[]>`
    ${selectInvitations(sql)}
    join tenants t on t.id = i.tenant_id and t.status = 'active'
    left join users b on b.tenant_id = i.tenant_id and b.id = i.invited_by
    where ${"digest" in by ? sql`i.token_digest = ${by.digest}` : sql`i.email = ${by.email}`}
      and i.expires_at > ${by.now}
      and (i.invited_by is null or (
        b.status = 'active'
        and 'users.write' = any(permissions_of(b.id, ${by.now}))
        and ${permissionsOfRole(sql)} <@ permissions_of(b.id, 'infinity')))`;
  return row;
}

export async function insertInvitation(
  sql: TenantSql,
  invitation: {
    tenantId: number;
    id: string;
    email: string;
    name: string;
    locale: Locale;
    roleId: number;
    digest: Uint8Array;
    mailed: boolean;
    invitedBy: number | null;
    peerId: string | null;
    at: Date;
    expiresAt: Date;
  },
): Promise<void> {
  await sql`
    insert into invitations (tenant_id, id, email, name, locale, role_id, token_digest, mailed, invited_by,
      peer_id, created_at, expires_at)
    values (${invitation.tenantId}, ${invitation.id}, ${invitation.email}, ${invitation.name},
      ${invitation.locale}, ${invitation.roleId}, ${invitation.digest}, ${invitation.mailed},
      ${invitation.invitedBy}, ${invitation.peerId}, ${invitation.at}, ${invitation.expiresAt})`;
}

/** Another token in the place of one that was lost. */
export async function replaceToken(
  sql: TenantSql,
  invitation: { id: string; digest: Uint8Array },
): Promise<void> {
  await sql`
    update invitations set token_digest = ${invitation.digest} where id = ${invitation.id}`;
}

/** Of many who do it at once, one. @returns whether it was there */
export async function deleteInvitation(sql: TenantSql, id: string): Promise<boolean> {
  const result = await sql`delete from invitations where id = ${id}`;
  return result.count > 0;
}

/** How long an invitation that was never accepted is shown. */
const shownDays = 30;

/**
 * Forgets what nobody accepted, and takes down the enrolment peers that have ended.
 * @param which.email whose invitations need not be shown any longer
 * @returns how many invitations and peers
 */
export async function clearEndedInvitations(
  sql: TenantSql,
  { email, now }: { email: string | null; now: Date },
): Promise<number> {
  const invitations = await sql`
    delete from invitations where expires_at <= ${now}
      and (email = ${email}::text or expires_at < ${now}::timestamptz - make_interval(days => ${shownDays}))`;
  const peers = await sql`
    update wg_peers set deleted_at = now()
    where kind = 'enrolment' and deleted_at is null and expires_at <= ${now}`;
  return invitations.count + peers.count;
}

export async function listPeersOfInviter(sql: TenantSql, userId: number): Promise<string[]> {
  const rows = await sql<{ peer_id: string }[]>`
    select peer_id from invitations where invited_by = ${userId} and peer_id is not null`;
  return rows.map((row) => row.peer_id);
}

/** Who is named in the mail: the tenant, and the user who invites. */
export async function readNames(
  sql: TenantSql,
  inviter: number | null,
): Promise<{ tenant: string; inviter: string | null }> {
  const [row] = await sql<[{ tenant: string; inviter: string | null }]>`
    select t.name as tenant,
      (select coalesce(nullif(u.name, ''), u.email) from users u where u.id = ${inviter}) as inviter
    from tenants t where t.id = (select current_tenant_id())`;
  return row;
}
