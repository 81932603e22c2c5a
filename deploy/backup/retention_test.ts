import { deepEqual, equal } from "node:assert/strict";
import { backupName, backupTime, pastRetention } from "./retention.ts";

const at = (text: string) => backupName(new Date(text));
const keep = { days: 2, weeks: 2, months: 2 };

Deno.test("pastRetention: keeps the newest of each of the last days, weeks and months that have one", () => {
  const names = [
    at("2026-11-28T20:00:00Z"),
    at("2026-11-28T08:00:00Z"), // the same day
    at("2026-11-27T08:00:00Z"),
    at("2026-11-26T08:00:00Z"), // the same week, a third day
    at("2026-11-22T08:00:00Z"), // Sunday: the week before
    at("2026-11-15T08:00:00Z"), // a third week
    at("2026-10-31T08:00:00Z"), // the month before
    at("2026-09-30T08:00:00Z"), // a third month
  ];
  deepEqual(pastRetention(names.toSorted(), keep), [
    at("2026-11-28T08:00:00Z"),
    at("2026-11-26T08:00:00Z"),
    at("2026-11-15T08:00:00Z"),
    at("2026-09-30T08:00:00Z"),
  ]);
});

Deno.test("pastRetention: the newest stays whatever is kept, however old it is, and strangers stay too", () => {
  const none = { days: 0, weeks: 0, months: 0 };
  const names = [
    "notes.txt",
    at("2020-01-01T00:00:00Z"),
    at("2019-01-01T00:00:00Z"),
    "massacorp-x",
  ];
  deepEqual(pastRetention(names, none), [at("2019-01-01T00:00:00Z")]);
  deepEqual(pastRetention(names.slice(0, 2), none), []);
});

Deno.test("backupTime: reads backupName, and nothing else", () => {
  const name = at("2026-11-28T08:20:15.123Z");
  equal(name, "massacorp-20261128T082015Z.tar.age");
  equal(backupTime(name)?.toISOString(), "2026-11-28T08:20:15.000Z");
  for (const other of [`${name}.partial`, `x${name}`, "massacorp-20261399T999999Z.tar.age"]) {
    equal(backupTime(other), undefined);
  }
});
