import { verify } from "@node-rs/argon2";
import { alternate, compare, type Result } from "../measure.ts";
import { accounts, apiProcess, logIn } from "./api_process.ts";

const users = 16;

/**
 * Log-ins a second, against raw Argon2id of the same library with the parameters of the very hashes that are stored,
 * on all cores both.
 */
export async function logins(): Promise<Result[]> {
  await using api = await apiProcess();
  const who = await accounts(api, { slug: "acme", count: users });
  const stored = await api.db.owner<{ hash: string }[]>`
    select password_hash as hash from users where email like 'user%' order by id`;
  const hash = stored[0]?.hash;
  if (!hash?.startsWith("$argon2id$")) throw new Error("no Argon2id hash is stored");
  let next = 0;
  const rates = await alternate({
    product: () => logIn(api, one(who, next++)),
    raw: () => verify(hash, "not the password"),
  }, { rounds: 5, inFlight: 8, ms: 2_000 });
  return [compare({
    name: `log-ins against raw ${/m=\d+,t=\d+,p=\d+/.exec(hash)?.[0]} hashes, ${cores} cores`,
    unit: "log-ins/s",
    value: rates.product,
    reference: rates.raw,
    bar: { least: 0.85 },
  })];
}

const cores = navigator.hardwareConcurrency;

function one<T>(of: readonly T[], turn: number): T {
  const found = of[turn % of.length];
  if (found === undefined) throw new RangeError("an empty list has no turns");
  return found;
}
