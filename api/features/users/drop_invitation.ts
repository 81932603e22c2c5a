import type { Principal } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import { removePeer, removePeersOf } from "../peers/mod.ts";
import { refuseGrantBeyondOwn } from "../roles/mod.ts";
import {
  deleteInvitation,
  findInvitation,
  type InvitationRow,
  listPeersOfInviter,
} from "./invitation_store.ts";

/**
 * Withdraws an invitation together with its enrolment peer, in the caller's transaction.
 * @returns the peer that is on its way out
 * @throws {ApiError} `grant_exceeds_own` where the caller could not have invited to that role
 */
export async function dropInvitation(
  sql: TenantSql,
  principal: Principal | undefined,
  invitation: InvitationRow,
): Promise<string | null> {
  await refuseGrantBeyondOwn(sql, principal, { wanted: invitation.permissions, until: null });
  await deleteInvitation(sql, invitation.id);
  const { peer_id } = invitation;
  if (peer_id !== null) await removePeer(sql, { id: peer_id, owner: null });
  return peer_id;
}

/** The same for an address, where one is invited. */
export async function dropInvitationOf(
  sql: TenantSql,
  principal: Principal | undefined,
  email: string,
): Promise<void> {
  const invitation = await findInvitation(sql, { email });
  if (invitation) await dropInvitation(sql, principal, invitation);
}

/** Makes tombstones of a user's peers, and of the enrolment peers of whom he invited. @returns their ids */
export async function removePeersOfUser(sql: TenantSql, userId: number): Promise<string[]> {
  return await removePeersOf(sql, { userId, ids: await listPeersOfInviter(sql, userId) });
}
