import assert from "node:assert/strict";
import { ApiError } from "../errors.ts";
import { createPasswordHasher } from "./password_hash.ts";

Deno.test("hash: Argon2id with 19 MiB, two passes and one lane, salted", async () => {
  const hasher = await createPasswordHasher({ concurrency: 1, queue: 1 });
  const [first, second] = [await hasher.hash("a password"), await hasher.hash("a password")];
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(first, second);
  assert.equal(await hasher.verify(first, "a password"), true);
  assert.equal(await hasher.verify(first, "another"), false);
});

Deno.test("verify: A4: no account costs a hash too, and matches nothing", async () => {
  const hasher = await createPasswordHasher({ concurrency: 1, queue: 1 });
  const before = hasher.stats.hashes;
  assert.equal(await hasher.verify(null, ""), false);
  assert.equal(hasher.stats.hashes, before + 1);
});

Deno.test("hash: what cannot run soon is refused, and nothing that was accepted is lost", async () => {
  const hasher = await createPasswordHasher({ concurrency: 2, queue: 3 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, n) => hasher.hash(`password ${n}`)),
  );
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  assert.equal(outcomes.length - refused.length, 5);
  for (const { reason } of refused) {
    assert(reason instanceof ApiError);
    assert.equal(reason.code, "overloaded");
    assert.equal(reason.retryAfter, 2);
  }
  assert.deepEqual({ ...hasher.stats, hashes: 0 }, { running: 0, waiting: 0, hashes: 0 });
  assert.match(await hasher.hash("afterwards"), /^\$argon2id\$/);
});
