import { z } from "@hono/zod-openapi";
import { timestamp } from "../../openapi.ts";
import type { SessionRow } from "./store.ts";

/** Of the path of one session. */
export const sessionPath = z.object({ id: z.uuid() });

export const session = z.object({
  id: z.uuid(),
  current: z.boolean().openapi({ description: "The session of this very token" }),
  active: z.boolean(),
  device_name: z.string(),
  user_agent: z.string(),
  address: z.string().nullable(),
  peer_id: z.uuid().nullable().openapi({ description: "The peer it was opened through" }),
  created_at: timestamp,
  last_seen_at: timestamp.openapi({ description: "True to a minute" }),
  expires_at: timestamp.openapi({ description: "When it ends, unless it is refreshed before" }),
  ended_at: timestamp.nullable(),
  ended_reason: z.string().nullable(),
}).openapi("Session");

/** @param of.current the session of who asks; `now` in ms since the Unix epoch */
export function view(
  row: SessionRow,
  of: { current: string; now: number },
): z.infer<typeof session> {
  const { created_at, last_seen_at, expires_at, ended_at, ...rest } = row;
  return {
    ...rest,
    current: row.id === of.current,
    active: ended_at === null && expires_at.getTime() > of.now,
    created_at: created_at.toISOString(),
    last_seen_at: last_seen_at.toISOString(),
    expires_at: expires_at.toISOString(),
    ended_at: ended_at?.toISOString() ?? null,
  };
}
