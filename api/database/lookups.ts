import type { Pool } from "./pool.ts";
import { asTenantId, type Tenancy, type TenantId } from "./tenancy.ts";
import { watch } from "./watch.ts";

/** Whose peer holds a tunnel address. */
export interface PeerIdentity {
  tenantId: TenantId;
  peerId: string;
  /** The owner, whose tokens alone may come this way; null for a machine's peer. */
  userId: number | null;
  /** An enrolment peer reaches what enrolment needs, and nothing else. */
  kind: "permanent" | "enrolment";
}

/** What has to be known before a tenant is known; each question is one SECURITY DEFINER function. */
export interface Lookups {
  /** @param idOrSlug as the X-Tenant-ID header names it */
  tenant(idOrSlug: string): Promise<TenantId | undefined>;
  /** Whether the header names this tenant: by its number that is plain, as no slug begins with a digit. */
  names(idOrSlug: string, tenantId: TenantId): Promise<boolean>;
  /** The live peer behind a source address of the tunnel. */
  peer(address: string): Promise<PeerIdentity | undefined>;
  /** Mails that may be taken for delivery: tenants in turns, and of each those that wait for longest first. */
  dueMails(which: { at: Date; most: number }): Promise<{ tenantId: TenantId; mailId: string }[]>;
  mailBacklog(): Promise<MailBacklog>;
  /** Whether the server's last attempt to archive its WAL failed; not, where it archives none. */
  walArchiveFailing(): Promise<boolean>;
  /** What the server's clock says, in milliseconds since the epoch. */
  serverTime(): Promise<number>;
  /** Tenants with client files that nobody fetched in time, the oldest first. */
  expiredDeliveries(which: { at: Date; most: number }): Promise<TenantId[]>;
  /** How many values each key seals. */
  sealed(): Promise<{ kind: SealedKind; keyId: string; count: number }[]>;
}

/** What is kept under a key that is not in the database. */
export const sealedKinds = ["preshared_key", "mail", "second_factor", "recovery_code"] as const;
export type SealedKind = typeof sealedKinds[number];

/** Mails of all tenants together. */
export interface MailBacklog {
  queued: number;
  /** Given up, of those that are still remembered. */
  dead: number;
  /** When the one that waits for longest was queued. */
  oldest: Date | null;
}

/** @param tenancy reads inside the tenant what a look-up across tenants leaves out */
export function createLookups(pool: Pool, tenancy: Tenancy): Lookups {
  async function tenant(idOrSlug: string): Promise<TenantId | undefined> {
    // No slug or id is longer, and PostgreSQL's text has no NUL.
    if (!/^[a-z0-9-]{1,63}$/.test(idOrSlug)) return undefined;
    const [row] = await pool.share((slot) =>
      watch(
        slot,
        slot.sql<{ tenant_id: number }[]>`select tenant_id from lookup_tenant(${idOrSlug})`,
      )
    );
    return row && asTenantId(row.tenant_id);
  }
  return {
    tenant,
    async names(idOrSlug, tenantId) {
      return idOrSlug === String(tenantId) || await tenant(idOrSlug) === tenantId;
    },
    async peer(address) {
      const [row] = await pool.share((slot) =>
        watch(
          slot,
          slot.sql<{ tenant_id: number; peer_id: string; user_id: number | null }[]>`
            select tenant_id, peer_id, user_id from lookup_peer(${address}::inet)`,
        )
      );
      if (!row) return undefined;
      const tenantId = asTenantId(row.tenant_id);
      // The look-up gives ids alone; what the peer is, its tenant says. One whose owner or tenant is out of force is
      // none, whether or not a daemon was there to take it off the interface (T3).
      const [peer] = await tenancy.query(
        tenantId,
        (sql) =>
          sql<
            { kind: PeerIdentity["kind"] }[]
          >`select p.kind from wg_peers p
            join tenants t on t.id = p.tenant_id and t.status = 'active'
            left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
            where p.id = ${row.peer_id} and (p.user_id is null or u.status = 'active')`,
      );
      return peer && { tenantId, peerId: row.peer_id, userId: row.user_id, kind: peer.kind };
    },
    async dueMails({ at, most }) {
      const rows = await pool.use(({ sql }) =>
        sql<{ tenant_id: number; mail_id: string }[]>`
          select tenant_id, mail_id from lookup_due_mails(${at}, ${most}::integer)`
      );
      return rows.map((row) => ({ tenantId: asTenantId(row.tenant_id), mailId: row.mail_id }));
    },
    async mailBacklog() {
      const [row] = await pool.use(({ sql }) =>
        sql<[MailBacklog]>`
          select queued, dead, oldest from lookup_mail_backlog(), lookup_oldest_mail()`
      );
      return { queued: row.queued, dead: row.dead, oldest: row.oldest };
    },
    async walArchiveFailing() {
      const [row] = await pool.use(({ sql }) =>
        sql<[{ failing: boolean }]>`
          select coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing
          from pg_stat_archiver`
      );
      return row.failing;
    },
    async serverTime() {
      const [row] = await pool.use(({ sql }) =>
        sql<[{ ms: number }]>`
          select (extract(epoch from clock_timestamp()) * 1000)::double precision as ms`
      );
      return row.ms;
    },
    async expiredDeliveries({ at, most }) {
      const rows = await pool.use(({ sql }) =>
        sql<{ tenant_id: number }[]>`
          select tenant_id from lookup_expired_deliveries(${at}, ${most}::integer)`
      );
      return rows.map((row) => asTenantId(row.tenant_id));
    },
    async sealed() {
      const rows = await pool.use(({ sql }) =>
        sql<{ kind: SealedKind; key_id: string; count: number }[]>`
          select kind, key_id, count from lookup_sealed()`
      );
      return rows.map(({ kind, key_id, count }) => ({ kind, keyId: key_id, count }));
    },
  };
}
