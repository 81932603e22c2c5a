import { adminOf, loopback, type Persona, type TestApi, testApi } from "../../support/api.ts";
import { compare, median, type Result } from "../measure.ts";

const tenants = 1_000;
const usersEach = 100;
/** The first half of them warms up: V8 takes a hundred calls of a handler before its code is what a day's calls meet. */
const rounds = 300;
/** Half a minute of hashes is enough: they are what a log-in costs, and need no warming. */
const logInRounds = 60;

/** What log-in, `me` and a page of 50 users cost in a small installation, and in one of 100,000 users. */
export async function growth(): Promise<Result[]> {
  await using small = await testApi();
  await using alone = await testApi();
  await using large = await testApi();
  const apis = { small, alone, large };
  const who = {
    small: await adminOf(small, "acme"),
    alone: await adminOf(alone, "acme"),
    large: await adminOf(large, "acme"),
  };
  const hash = await small.deps.hasher.hash("nobody's password", null);
  await fill(small, { tenants: 0, users: 9, hash });
  await fill(alone, { tenants: 0, users: usersEach - 1, hash });
  await fill(large, { tenants: tenants - 1, users: usersEach, hash });
  const works: Record<string, (api: TestApi, admin: Persona) => Promise<{ status: number }>> = {
    "log-in": (api, { email, password }) =>
      api.request("/api/v1/auth/login", {
        via: loopback,
        tenant: "acme",
        body: { email, password },
      }),
    "GET /auth/me": (api, { token }) => api.request("/api/v1/auth/me", { token, via: loopback }),
    "a page of 50 users": (api, { token }) =>
      api.request("/api/v1/users?limit=50", { token, via: loopback }),
  };
  const results: Result[] = [];
  for (const [name, work] of Object.entries(works)) {
    const times = { small: [] as number[], alone: [] as number[], large: [] as number[] };
    const all = name === "log-in" ? logInRounds : rounds;
    for (let round = 0; round < all; round++) {
      for (const size of ["small", "alone", "large"] as const) {
        const started = performance.now();
        const { status } = await work(apis[size], who[size]);
        if (status !== 200) throw new Error(`${name} was answered with ${status}`);
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

async function fill(
  { db }: TestApi,
  { tenants, users, hash }: { tenants: number; users: number; hash: string },
): Promise<void> {
  await db.owner`
    insert into tenants (slug, name) select 'other' || n, 'Other' from generate_series(1, ${tenants}::integer) n`;
  await db.owner`
    insert into users (tenant_id, email, password_hash)
    select t.id, 'user' || n || '@x.example', ${hash} from tenants t, generate_series(1, ${users}::integer) n`;
  await db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
    select u.tenant_id, u.id, r.id from users u join roles r on r.tenant_id = u.tenant_id and r.name = 'user'
    on conflict do nothing`;
  await db.owner`analyze`;
}
