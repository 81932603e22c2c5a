import { ask } from "../keep_alive.ts";
import { compare, median, type Result } from "../measure.ts";
import { type Account, accounts, type ApiProcess, apiProcess, logIn } from "./api_process.ts";

const tenants = 1_000;
const usersEach = 100;
/**
 * The first half of them warms up: V8 takes a hundred calls of a handler before its code is what a day's calls meet.
 * Of 150 measured ones, the medians of two runs differed by a twentieth.
 */
const rounds = 2_000;
/** Half a minute of hashes is enough: they are what a log-in costs, and need no warming. */
const logInRounds = 60;

/**
 * What log-in, `me` and a page of 50 users cost in a small installation, and in one of 100,000 users: one at a time,
 * asked of the API's own process over a connection that stays open.
 */
export async function growth(): Promise<Result[]> {
  await using small = await apiProcess();
  await using alone = await apiProcess();
  await using large = await apiProcess();
  const who = {
    small: await admin(small, { tenants: 1, usersEach: 10 }),
    alone: await admin(alone, { tenants: 1, usersEach }),
    large: await admin(large, { tenants, usersEach }),
  };
  const works: Record<string, (who: Admin) => Promise<unknown>> = {
    "log-in": ({ api, account }) => logIn(api, account),
    "GET /auth/me": ({ api, headers }) => get(`${api.url}/auth/me`, headers),
    "a page of 50 users": ({ api, headers }) => get(`${api.url}/users?limit=50`, headers),
  };
  const results: Result[] = [];
  for (const [name, work] of Object.entries(works)) {
    const times = { small: [] as number[], alone: [] as number[], large: [] as number[] };
    const all = name === "log-in" ? logInRounds : rounds;
    for (let round = 0; round < all; round++) {
      for (const size of ["small", "alone", "large"] as const) {
        const started = performance.now();
        await work(who[size]);
        if (round >= all / 2) times[size].push(performance.now() - started);
      }
    }
    // Ten users fill no page of 50: what the other rows cost is no growth of the installation, so it is told apart.
    for (
      const [users, reference] of [["10", times.small], [`1 x ${usersEach}`, times.alone]] as const
    ) {
      results.push(compare({
        name: `${name} with ${tenants} x ${usersEach} users against with ${users}, p50`,
        unit: "ms",
        value: median(times.large),
        reference: median(reference),
        bar: { most: 1.3 },
      }));
    }
  }
  return results;
}

/** A good answer as its bytes: what a client makes of a page is not what the API takes for it. */
async function get(url: string, headers: Record<string, string>): Promise<void> {
  const { status } = await ask(url, { headers });
  if (status !== 200) throw new Error(`${url}: ${status}`);
}

interface Admin {
  api: ApiProcess;
  account: Account;
  headers: Record<string, string>;
}

/** An admin of the first of so many tenants; most users of each are written straight into the database. */
async function admin(
  api: ApiProcess,
  { tenants, usersEach }: { tenants: number; usersEach: number },
): Promise<Admin> {
  const [account] = await accounts(api, { slug: "acme", count: 1 });
  if (!account) throw new Error("no account");
  await api.db.owner`
    insert into tenants (slug, name) select 'other' || n, 'Other' from generate_series(2, ${tenants}::integer) n`;
  await api.db.owner`
    insert into users (tenant_id, email, password_hash)
    select t.id, 'one' || n || '@x.example', (select password_hash from users where email like 'user%')
    from tenants t, generate_series(1, ${usersEach}::integer) n
    where n > (select count(*) from users u where u.tenant_id = t.id)`;
  await api.db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
    select u.tenant_id, u.id, r.id from users u join roles r on r.tenant_id = u.tenant_id and r.name = 'user'
    on conflict do nothing`;
  // As PostgreSQL does by itself within the minute.
  await api.db.owner`vacuum analyze`;
  const { access_token } = await logIn(api, account);
  return { api, account, headers: { Authorization: `Bearer ${access_token}` } };
}
