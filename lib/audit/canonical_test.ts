import assert from "node:assert/strict";
import fc from "fast-check";
import "../../tests/support/fixed_seed.ts";
import { canonicalJson, canonicalText } from "./canonical.ts";
import { canonicalEntry, type EntryRow } from "./entry.ts";

Deno.test("canonicalText: the examples of RFC 8785, numbers as they are written", () => {
  assert.equal(
    canonicalText(
      '{"numbers": [333333333, 4.50, 0.002], "string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}',
    ),
    `{"literals":[null,true,false],"numbers":[333333333,4.50,0.002],"string":"€$\\u000f\\nA'B\\"\\\\\\\\\\"/"}`,
  );
  // Section 3.2.3: by UTF-16 code units, not by code points.
  const names = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
  const sorted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"];
  const object = Object.fromEntries(names.map((name) => [name, 0]));
  const found = [...canonicalText(JSON.stringify(object)).matchAll(/"((?:[^"\\]|\\.)*)":/g)];
  assert.deepEqual(found.map(([, name]) => JSON.parse(`"${name}"`)), sorted);
});

Deno.test("canonicalText: no digit of a number is lost", () => {
  for (const text of ["9007199254740993", "1.00000000000000000001", "1e400", "-0.10"]) {
    assert.equal(canonicalText(`{"n": ${text}}`), `{"n":${text}}`);
  }
});

Deno.test("canonicalJson: means the same, has one form, and is its own form", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
    const text = JSON.stringify(value);
    const canonical = canonicalText(text);
    // -0 is written as 0 by JSON itself.
    assert.deepEqual(JSON.parse(canonical), JSON.parse(text));
    assert.equal(canonicalText(canonical), canonical);
    assert.equal(canonicalJson(JSON.parse(text)), canonicalText(JSON.stringify(JSON.parse(text))));
  }));
});

Deno.test("canonicalEntry: is the canonical form of the whole entry", () => {
  const entry: EntryRow = {
    tenant_id: 2,
    id: "9007199254740993",
    at: "2026-01-31T12:00:00.123456Z",
    actor: "user",
    actor_user_id: 7,
    action: "peer.create",
    outcome: "succeeded",
    target_type: "peer",
    target_id: 'a "name"\n',
    request_id: null,
    peer_id: null,
    address: "10.10.0.7",
    details: '{"b": 1, "a": {"z": [], "y": null}}',
  };
  const text = canonicalEntry(entry);
  assert.equal(canonicalText(text), text);
  assert.equal(
    text,
    '{"action":"peer.create","actor":"user","actor_user_id":7,"address":"10.10.0.7",' +
      '"at":"2026-01-31T12:00:00.123456Z","details":{"a":{"y":null,"z":[]},"b":1},"id":9007199254740993,' +
      '"outcome":"succeeded","peer_id":null,"request_id":null,"target_id":"a \\"name\\"\\n",' +
      '"target_type":"peer","tenant_id":2}',
  );
});
