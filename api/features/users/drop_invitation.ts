import type { Principal } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import { withdrawMail } from "../../mail/mod.ts";
import { endEnrolment, farewellMs } from "../deliveries/mod.ts";
import { removePeer, removePeersOf } from "../peers/mod.ts";
import { refuseGrantBeyondOwn } from "../roles/mod.ts";
import {
  deleteInvitation,
  findInvitation,
  findOpenInvitation,
  type InvitationRow,
  listPeersOfInviter,
} from "./invitation_store.ts";

/**
 * Withdraws an invitation together with its enrolment peer, and its mail if that has not left, in the caller's transaction.
 * @returns the peer that is on its way out; `undefined` where somebody accepted or withdrew it a moment before
 * @throws {ApiError} `grant_exceeds_own` where the caller could not have invited to that role
 */
export async function dropInvitation(
  sql: TenantSql,
  principal: Principal | undefined,
  { invitation, at }: { invitation: InvitationRow; at: Date },
): Promise<string | null | undefined> {
  await refuseGrantBeyondOwn(sql, principal, { wanted: invitation.permissions, until: null });
  if (!await deleteInvitation(sql, invitation.id)) return undefined;
  await withdrawMail(sql, { id: invitation.id, at });
  const { peer_id } = invitation;
  if (peer_id !== null) await removePeer(sql, { id: peer_id, owner: null });
  return peer_id;
}

/** The same for an address, where one is invited. */
export async function dropInvitationOf(
  sql: TenantSql,
  principal: Principal | undefined,
  { email, at }: { email: string; at: Date },
): Promise<void> {
  const invitation = await findInvitation(sql, { email });
  if (invitation) await dropInvitation(sql, principal, { invitation, at });
}

/**
 * Takes the invitation of an address out, for whom it was to and who becomes a user otherwise than by its token. Its
 * enrolment peer goes at once, or soon where the answer has to travel through it.
 * @param which.via the peer that this comes through
 * @returns whether it was good, or `undefined` for none; of many who do it at once, one gets it
 */
export async function spendInvitation(
  sql: TenantSql,
  which: { email: string; now: Date; via: string | undefined },
): Promise<{ id: string; good: boolean; peer: string | null } | undefined> {
  const good = await findOpenInvitation(sql, which);
  const invitation = good ?? await findInvitation(sql, which);
  if (!invitation || !await deleteInvitation(sql, invitation.id)) return undefined;
  const { id, peer_id: peer } = invitation;
  await withdrawMail(sql, { id, at: which.now });
  if (peer !== null && peer === which.via) {
    await endEnrolment(sql, { id: peer, at: new Date(which.now.getTime() + farewellMs) });
  } else if (peer !== null) await removePeer(sql, { id: peer, owner: null });
  return { id, good: good !== undefined, peer };
}

/** Makes tombstones of a user's peers, and of the enrolment peers of whom he invited. @returns their ids */
export async function removePeersOfUser(sql: TenantSql, userId: number): Promise<string[]> {
  return await removePeersOf(sql, { userId, ids: await listPeersOfInviter(sql, userId) });
}
