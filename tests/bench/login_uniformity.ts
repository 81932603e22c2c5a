import { hashSync } from "bcryptjs";
import { systemTimer } from "../../api/auth/failure_floor.ts";
import { failuresUntilLock } from "../../api/auth/throttle.ts";
import { adminOf, loopback, type TestApi, testApi } from "../support/api.ts";
import { compare, median, type Result } from "./measure.ts";

/** Each account is tried fewer times than make it wait. */
const triesEach = 4;
const inFlight = 20;

/**
 * How long failed log-ins take, whatever they fail of, by the medians of as many tries. The floor is the real one, and a case
 * is measured in turns with all others, so that a busy moment of the machine meets all alike.
 */
export async function loginUniformity({ tries }: { tries: number }): Promise<Result[]> {
  await using api = await testApi({ timer: systemTimer });
  const accounts = Math.ceil(tries / triesEach);
  const acme = await adminOf(api, "acme");
  const closed = await adminOf(api, "closed");
  await seed(api, { tenantId: acme.tenantId, accounts });
  await seed(api, { tenantId: closed.tenantId, accounts });
  await api.db.owner`update tenants set status = 'suspended' where slug = 'closed'`;
  await api.db.owner`analyze users`;
  const cases: Record<string, (n: number) => { tenant: string; email: string }> = {
    "wrong password": (n) => ({ tenant: "acme", email: `active${n}@x.example` }),
    "unknown user": (n) => ({ tenant: "acme", email: `nobody${n}@x.example` }),
    "unknown tenant": (n) => ({ tenant: "nowhere", email: `active${n}@x.example` }),
    "suspended tenant": (n) => ({ tenant: "closed", email: `active${n}@x.example` }),
    "inactive user": (n) => ({ tenant: "acme", email: `inactive${n}@x.example` }),
    "locked user": (n) => ({ tenant: "acme", email: `locked${n}@x.example` }),
    "imported with bcrypt": (n) => ({ tenant: "acme", email: `imported${n}@x.example` }),
  };
  for (let n = 0; n < accounts; n++) await lock(api, acme.tenantId, `locked${n}@x.example`);

  const times = new Map(Object.keys(cases).map((name) => [name, [] as number[]]));
  const queue = Array.from({ length: tries }, (_, n) => Math.floor(n / triesEach))
    .flatMap((n) => Object.entries(cases).map(([name, who]) => ({ name, who: who(n) })));
  await Promise.all(Array.from({ length: inFlight }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { name, who: { tenant, email } } = next;
      const started = performance.now();
      const { status } = await api.request("/api/v1/auth/login", {
        via: loopback,
        tenant,
        body: { email, password: "not the password" },
      });
      if (status !== 401) throw new Error(`${name} was answered with ${status}`);
      times.get(name)?.push(performance.now() - started);
    }
  }));

  const reference = median(times.get("wrong password") ?? []);
  return [...times].map(([name, of]) =>
    compare({
      name: `failed log-in, ${name}, median of ${of.length}`,
      unit: "ms",
      value: median(of),
      reference,
      bar: { least: 0.9, most: 1.1 },
    })
  );
}

/** Users of every kind; their password is never asked for. */
async function seed(
  api: TestApi,
  { tenantId, accounts }: { tenantId: number; accounts: number },
): Promise<void> {
  const argon2 = await api.deps.hasher.hash("the password", null);
  const bcrypt = hashSync("the password", 10);
  await api.db.owner`
    insert into users (tenant_id, email, password_hash, status)
    select ${tenantId}, kind || n || '@x.example',
      case kind when 'imported' then ${bcrypt} else ${argon2} end,
      case kind when 'inactive' then 'inactive' else 'active' end
    from generate_series(0, ${accounts - 1}::integer) n,
      unnest(array['active', 'inactive', 'locked', 'imported']) kind`;
}

/** As so many failures of that pair leave it. */
async function lock(api: TestApi, tenantId: number, email: string): Promise<void> {
  const digest = await api.deps.identifierDigest(email);
  await api.db.owner`
    insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
    select ${tenantId}, ${digest}, ${loopback.listener}, 'failed', now()
    from generate_series(1, ${failuresUntilLock}::integer)`;
}
