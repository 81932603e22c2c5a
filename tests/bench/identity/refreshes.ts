import { connect } from "../../../db/connection.ts";
import { startTestCluster } from "../../support/cluster.ts";
import { alternate, compare, type Result } from "../measure.ts";
import { accounts, answerOf, apiProcess, logIn } from "./api_process.ts";

/** As many in flight as `identity-requests` has, where both sides use up the machine; and few, where each waits for the disk. */
const crowds = [32, 8] as const;

/** Refreshes on a database that keeps what it commits, against bare transactions with the same lock and the same update. */
export async function refreshes(): Promise<Result[]> {
  const results: Result[] = [];
  for (const sessions of crowds) results.push(await refreshesOf(sessions));
  return results;
}

async function refreshesOf(sessions: number): Promise<Result> {
  const cluster = await startTestCluster({ durable: true });
  try {
    await using api = await apiProcess({ cluster });
    for (const setting of ["fsync", "synchronous_commit"]) {
      const [row] = await api.db.owner<
        { value: string }[]
      >`select current_setting(${setting}) as value`;
      if (row?.value !== "on") throw new Error(`${setting} is ${row?.value}`);
    }
    const who = await accounts(api, { slug: "acme", count: sessions });
    const tokens = await Promise.all(
      who.map(async (account) => (await logIn(api, account)).refresh_token),
    );
    const rows = await api.db.owner<
      { tenant_id: number; id: string }[]
    >`select tenant_id, id from sessions`;
    const plain = connect(api.db.url("massacorp_owner"), {
      max: sessions,
      applicationName: "bench",
    });
    // A session's refreshes follow one another, as those of a device do: each place in flight has one of its own.
    const idle = { product: tokens.map((_, n) => n), bare: rows.map((_, n) => n) };
    const borrow = async (free: number[], work: (n: number) => Promise<unknown>) => {
      const n = free.pop();
      if (n === undefined) throw new Error("more in flight than sessions");
      await work(n);
      free.push(n);
    };
    try {
      const rates = await alternate({
        product: () =>
          borrow(idle.product, async (n) => {
            const answer = await answerOf(`${api.url}/auth/refresh`, {
              method: "POST",
              headers: {
                "Content-Type": "application/json",
                "X-Tenant-ID": String(who[n]?.tenantId),
              },
              body: JSON.stringify({ refresh_token: tokens[n] }),
            });
            tokens[n] = answer.refresh_token;
          }),
        bare: () =>
          borrow(idle.bare, async (n) => {
            const { tenant_id, id } = rows[n] ?? { tenant_id: 0, id: "" };
            await plain.begin(async (sql) => {
              await sql`select refresh_counter from sessions where tenant_id = ${tenant_id} and id = ${id} for update`;
              await sql`
                update sessions set refresh_rotated_at = now(), last_seen_at = now()
                where tenant_id = ${tenant_id} and id = ${id}`;
            });
          }),
      }, { rounds: 20, inFlight: sessions, ms: 500 });
      return compare({
        name:
          `refreshes of ${sessions} sessions against bare transactions, fsync and synchronous_commit on`,
        unit: "refreshes/s",
        value: rates.product,
        reference: rates.bare,
        bar: { least: 0.5 },
      });
    } finally {
      await plain.end();
    }
  } finally {
    await cluster.stop();
  }
}
