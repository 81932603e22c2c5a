import assert from "node:assert/strict";
import { asTenantId } from "../database/tenancy.ts";
import { createTokenMemory } from "./token_memory.ts";
import type { AccessToken } from "./tokens.ts";

const subject = { tenantId: asTenantId(3), userId: 7, sessionId: "s" };

Deno.test("token memory: knows a token by its whole text, from its issue until its end and no second longer", () => {
  const memory = createTokenMemory<AccessToken>();
  memory.add("a.b.c", { subject, from: 100, until: 200 });
  for (const [token, now] of [["a.b.d", 150], ["a.b", 150], ["a.b.c ", 150]] as const) {
    assert.equal(memory.find(token, now), undefined, token);
  }
  assert.deepEqual(memory.find("a.b.c", 100), subject);
  assert.deepEqual(memory.find("a.b.c", 199), subject);
  assert.equal(memory.find("a.b.c", 200), undefined);
  assert.equal(memory.size, 0, "what ended is forgotten");
  memory.add("a.b.c", { subject, from: 100, until: 200 });
  assert.equal(memory.find("a.b.c", 99), undefined, "a clock that was set back");
});

Deno.test("token memory: forgets the oldest beyond its size", () => {
  const memory = createTokenMemory<AccessToken>(2);
  for (const token of ["1", "2", "3", "3"]) {
    memory.add(token, { subject, from: 0, until: 10 });
    assert(memory.size <= 2);
  }
  memory.add("4", { subject, from: 0, until: 10 });
  assert.deepEqual(["1", "2", "3", "4"].map((token) => memory.find(token, 5) !== undefined), [
    false,
    false,
    true,
    true,
  ]);
});
