import assert from "node:assert/strict";
import { hashSync } from "bcryptjs";
import { ApiError } from "../errors.ts";
import { leastArgon2 } from "./argon2.ts";
import { createBcrypt } from "./bcrypt.ts";
import { createPasswordHasher } from "./password_hash.ts";
import { turn } from "../../tests/support/until.ts";

async function hasherOf(
  options: { concurrency: number; queue: number; parameters?: typeof leastArgon2 },
) {
  const bcrypt = createBcrypt(options);
  const hasher = await createPasswordHasher({ parameters: leastArgon2, ...options, bcrypt });
  return { hasher, [Symbol.dispose]: () => bcrypt.close() };
}

Deno.test("hash: Argon2id with 19 MiB, two passes and one lane, salted", async () => {
  using made = await hasherOf({ concurrency: 1, queue: 1 });
  const { hasher } = made;
  const [first, second] = [await hasher.hash("a password", 1), await hasher.hash("a password", 1)];
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(first, second);
  assert.equal(await hasher.verify(first, "a password", 1), true);
  assert.equal(await hasher.verify(first, "another", 1), false);
});

Deno.test("hash: with the parameters of the configuration, and what has others is outdated", async () => {
  using made = await hasherOf({ concurrency: 1, queue: 1 });
  const parameters = { memoryCost: 20480, timeCost: 3, parallelism: 2 };
  using stronger = await hasherOf({ concurrency: 1, queue: 1, parameters });
  const [old, renewed] = [await made.hasher.hash("x", 1), await stronger.hasher.hash("x", 1)];
  assert.match(renewed, /^\$argon2id\$v=19\$m=20480,t=3,p=2\$/);
  assert.deepEqual([stronger.hasher.isOutdated(old), stronger.hasher.isOutdated(renewed)], [
    true,
    false,
  ]);
  assert.equal(made.hasher.isOutdated(renewed), true, "a lowered parameter is followed as well");
  assert.equal(await stronger.hasher.verify(old, "x", 1), true);
});

Deno.test("hash: the same characters, composed in another way, are the same password", async () => {
  using made = await hasherOf({ concurrency: 1, queue: 1 });
  const [composed, decomposed] = ["caf\u00e9 \uff11", "cafe\u0301 1"];
  assert.notEqual(composed, decomposed);
  assert.equal(await made.hasher.verify(await made.hasher.hash(composed, 1), decomposed, 1), true);
});

Deno.test("verify: A4: no account costs a hash too, and matches nothing", async () => {
  using made = await hasherOf({ concurrency: 1, queue: 1 });
  const before = made.hasher.stats.hashes;
  assert.equal(await made.hasher.verify(null, "", 1), false);
  assert.equal(made.hasher.stats.hashes, before + 1);
});

Deno.test("verify: bcrypt in all three dialects, and never by its first 72 bytes alone", async () => {
  using made = await hasherOf({ concurrency: 2, queue: 8 });
  const { hasher } = made;
  const [whole, tail] = ["é".repeat(36), "é".repeat(36) + "!"];
  const hash = hashSync(whole, 10);
  assert.match(hash, /^\$2b\$10\$/);
  for (const dialect of ["$2a$", "$2b$", "$2y$"]) {
    const stored = hash.replace("$2b$", dialect);
    assert.equal(await hasher.verify(stored, whole, 1), true, dialect);
    assert.equal(await hasher.verify(stored, "another", 1), false, dialect);
    assert.equal(hasher.isOutdated(stored), true, "to be replaced at the next log-in");
  }
  assert.equal(hashSync(tail, hash), hash, "what bcrypt itself would take");
  assert.equal(await hasher.verify(hash, tail, 1), false);
});

Deno.test("verify: bcrypt leaves the event loop to others", async () => {
  using made = await hasherOf({ concurrency: 1, queue: 1 });
  const stored = hashSync("a password", 12);
  let turns = 0;
  let over = false;
  const verified = made.hasher.verify(stored, "a password", 1).finally(() => over = true);
  while (!over) {
    await turn();
    turns++;
  }
  assert.equal(await verified, true);
  assert(turns > 20, `the loop turned ${turns} times meanwhile`);
});

Deno.test("hash: what cannot run soon is refused, and nothing that was accepted is lost", async () => {
  using made = await hasherOf({ concurrency: 2, queue: 3 });
  const { hasher } = made;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, n) => hasher.hash(`password ${n}`, 1)),
  );
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  assert.equal(outcomes.length - refused.length, 5);
  for (const { reason } of refused) {
    assert(reason instanceof ApiError);
    assert.equal(reason.code, "overloaded");
    assert.equal(reason.retryAfter, 2);
  }
  assert.partialDeepStrictEqual({ ...hasher.stats, hashes: 0, slowestMs: 0 }, {
    running: 0,
    waiting: 0,
    hashes: 0,
    slowestMs: 0,
  });
  assert.match(await hasher.hash("afterwards", 1), /^\$argon2id\$/);
});

Deno.test("hash: tenants take turns, and whoever has most waiting makes room for the others", async () => {
  using made = await hasherOf({ concurrency: 1, queue: 6 });
  const { hasher } = made;
  const ended: string[] = [];
  const asked = async (of: number, name: string) => {
    const outcome = await hasher.hash(name, of).then(
      () => "",
      (error: ApiError) => `!${error.code}`,
    );
    ended.push(`${name}${outcome}`);
  };
  const many = [0, 1, 2, 3, 4, 5, 6].map((n) => asked(1, `a${n}`));
  assert.equal(hasher.stats.waiting, 6, "one alone has all places");
  const others = [asked(1, "a7"), asked(2, "b0"), asked(3, "c0"), asked(2, "b1"), asked(2, "b2")];
  assert.equal(hasher.stats.waiting, 6);
  await Promise.all([...many, ...others]);
  // Two more of b would have as many waiting as a.
  assert.deepEqual(ended.filter((name) => name.includes("!")).toSorted(), [
    "a4!overloaded",
    "a5!overloaded",
    "a6!overloaded",
    "a7!overloaded",
    "b2!overloaded",
  ]);
  assert.deepEqual(ended.filter((name) => !name.includes("!")), [
    "a0",
    "b0",
    "c0",
    "a1",
    "b1",
    "a2",
    "a3",
  ]);
  assert.equal(hasher.stats.refused, 5);
});
