import type { TenantSql } from "../../database/tenancy.ts";

export interface SealedPeer {
  id: string;
  public_key: string;
  preshared_key: Uint8Array | null;
  successor_public_key: string | null;
  successor_preshared_key: Uint8Array | null;
}

/** What is under another key than this one, by id; those up to `after` were looked at. */
export interface Page {
  keyId: string;
  after: string;
  limit: number;
}

/** Locked in the order of ids, as whoever else locks several. */
export function lockPeersOfOtherKeys(
  sql: TenantSql,
  { keyId, after, limit }: Page,
): Promise<SealedPeer[]> {
  return sql<SealedPeer[]>`
    select id, public_key, preshared_key, successor_public_key, successor_preshared_key from wg_peers
    where deleted_at is null and id > ${after}
      and (sealed_under(preshared_key) <> ${keyId} or sealed_under(successor_preshared_key) <> ${keyId})
    order by id limit ${limit} for no key update`;
}

export async function resealPeer(
  sql: TenantSql,
  peer: Pick<SealedPeer, "id" | "preshared_key" | "successor_preshared_key">,
): Promise<void> {
  await sql`
    update wg_peers set preshared_key = ${peer.preshared_key},
      successor_preshared_key = ${peer.successor_preshared_key}
    where id = ${peer.id}`;
}

export interface SealedMail {
  id: string;
  sealed_letter: Uint8Array;
}

/** Mails that wait. */
export function lockMailsOfOtherKeys(
  sql: TenantSql,
  { keyId, after, limit }: Page,
): Promise<SealedMail[]> {
  return sql<SealedMail[]>`
    select id, sealed_letter from mails
    where state = 'queued' and id > ${after} and sealed_under(sealed_letter) <> ${keyId}
    order by id limit ${limit} for update`;
}

export async function resealMail(sql: TenantSql, mail: SealedMail): Promise<void> {
  await sql`update mails set sealed_letter = ${mail.sealed_letter} where id = ${mail.id}`;
}
