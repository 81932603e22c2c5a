import { z } from "@hono/zod-openapi";
import { timestamp } from "../../openapi.ts";

const text = z.string().min(1).max(200).refine((value) => !value.includes("\0"), "has a U+0000");
/** As the table's constraint has them. */
const actors = ["user", "api_key", "operator", "daemon", "anonymous"] as const;
/** PostgreSQL has no year 0, in whatever zone it is meant, no zone 16 hours away, and no text of a time beyond 128 bytes. */
const moment = z.iso.datetime({ offset: true }).max(35).refine(
  (text) => Date.parse(text) >= Date.parse("0001-01-02T00:00:00Z"),
  "must be of the year 1 or later",
).refine((text) => !/[+-](?:1[6-9]|2\d):\d\d$/.test(text), "must be less than 16 hours from UTC");

/** What an entry must be to be shown; all of it together. */
export const filters = {
  actor: z.enum(actors).optional(),
  actor_user_id: z.coerce.number().int().positive().max(2 ** 31 - 1).optional(),
  action: z.string().regex(/^[a-z_]+(\.[a-z_]+)+$/, "must be an action such as peer.create")
    .max(100).optional(),
  outcome: z.enum(["succeeded", "refused", "failed"]).optional(),
  target_type: text.optional(),
  target_id: text.optional(),
  peer_id: z.uuid().optional().openapi({ description: "The peer that it came through" }),
  request_id: text.optional(),
  from: moment.optional().openapi({ description: "Inclusive" }),
  to: moment.optional().openapi({ description: "Exclusive" }),
};
const filterQuery = z.object(filters);
export type Filters = z.infer<typeof filterQuery>;

const hash = z.string().openapi({ description: "SHA-256 in hex" });

export const entrySchema = z.object({
  id: z.int(),
  at: timestamp,
  actor: z.enum(actors),
  actor_user_id: z.int().nullable(),
  action: z.string(),
  outcome: z.enum(["succeeded", "refused", "failed"]),
  target: z.object({ type: z.string(), id: z.string().nullable() }).nullable(),
  request_id: z.string().nullable(),
  peer_id: z.uuid().nullable(),
  address: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
  seal: z.object({ seq: z.int(), hash }).nullable().openapi({
    description: "Its place in the tenant's chain; null until it is sealed, within a second",
  }),
}).openapi("AuditEntry");

export const verificationSchema = z.object({
  intact: z.boolean(),
  checked_at: timestamp,
  links: z.int().openapi({ description: "Links of the chain that were recomputed" }),
  end: z.object({ seq: z.int(), hash }).nullable(),
  dropped: z.int().openapi({ description: "Entries past their retention, whose links remain" }),
  late: z.int().openapi({
    description:
      "Entries sealed more than a minute after the time they give: an outage, or an insertion",
  }),
  unsealed: z.int().openapi({ description: "Entries older than a minute without a seal" }),
  fault_count: z.int(),
  faults: z.array(z.object({
    kind: z.enum(["altered", "missing", "broken", "gap", "truncated", "rewritten"]),
    seq: z.int(),
    entry_id: z.string().nullable(),
  })).openapi({ description: "The first hundred" }),
  checkpoint: z.object({
    n: z.int(),
    at: timestamp,
    seq: z.int().openapi({ description: "The link that it names" }),
    holds: z.boolean().openapi({
      description: "The proof leads to its root, and the root is signed by the key that it gives",
    }),
    receipt: z.record(z.string(), z.unknown()).openapi({
      description:
        "The signed checkpoint with the tenant's proof. Keep it elsewhere: it holds against any later rewrite",
    }),
  }).nullable().openapi({ description: "The newest; null before the first" }),
}).openapi("AuditVerification");
