import { z } from "zod";
import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { type Sealer, SealError } from "../../lib/seal.ts";
import { resumeTrace, withTrace } from "../../lib/trace.ts";
import type { Lookups, MailBacklog } from "../database/lookups.ts";
import { isConnectionError } from "../database/errors.ts";
import type { Tenancy, TenantId } from "../database/tenancy.ts";
import { letter, letterRow } from "./letter.ts";
import {
  finishMail,
  forgetMails,
  postponeMail,
  readPeerName,
  takeMail,
  type TakenMail,
} from "./store.ts";
import { render } from "./templates/render.ts";
import { MailFailure, type Transport } from "./transport.ts";

/** Counted by this process since it started; for metrics. */
export interface MailStats {
  sent: number;
  /** Attempts that failed, those that were tried again included. */
  failed: number;
  /** Given up. */
  dead: number;
  /** Why the last attempt failed, until one succeeds. */
  lastFailure: { reason: string; at: number } | null;
}

/** Brings queued mail to where it goes. */
export interface Postman {
  readonly transport: "smtp" | "file" | "none";
  readonly stats: Readonly<MailStats>;
  /** What waits and what was given up, of all tenants and processes together. */
  backlog(): Promise<MailBacklog>;
  /** Delivers what is due now. @returns how many mails were sent */
  deliverDue(): Promise<number>;
  /** Delivers from now on, until closed. */
  start(): void;
  close(): Promise<void>;
}

export interface PostmanOptions {
  tenancy: Tenancy;
  lookups: Pick<Lookups, "dueMails" | "mailBacklog">;
  letters: Sealer;
  /** Null where the configuration names none: mail waits. */
  transport: Transport | null;
  clock: Clock;
  log: Logger;
}

const pollMs = 1_000;
/** Longer than a delivery may take. Whoever is killed during one delays that mail by as much. */
export const leaseMs = 90_000;
const atOnce = 4;
const batch = 50;
const keptDays = 30;

/** Ten seconds, doubled with each attempt up to an hour, spread so that what failed together is not tried together. */
export function backOffMs(attempts: number, random = Math.random()): number {
  return Math.min(10_000 * 2 ** (attempts - 1), 3_600_000) * (0.8 + 0.4 * random);
}

/** Without a transport nothing is taken from the queue, and what waits is counted all the same. */
export function createPostman(options: PostmanOptions): Postman {
  const { tenancy, lookups, letters, transport, clock, log } = options;
  const stats: MailStats = { sent: 0, failed: 0, dead: 0, lastFailure: null };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let running: Promise<number> | undefined;
  /** Rounds in a row that ended because the server could not be spoken to. */
  let silent = 0;
  let quietUntil = 0;

  async function deliver(way: Transport, tenantId: TenantId, id: string): Promise<boolean> {
    const now = clock.now();
    const [taken] = await tenancy.query(
      tenantId,
      (sql) => takeMail(sql, { id, now: new Date(now), leaseUntil: new Date(now + leaseMs) }),
    );
    if (!taken) return false;
    const { request_id, trace_id, span_id } = taken;
    if (request_id === null || trace_id === null) return await hand(way, tenantId, id, taken);
    // The ids of the request that queued it, wherever and whenever that was.
    const trace = resumeTrace({ requestId: request_id, traceId: trace_id, spanId: span_id });
    return await withTrace(trace, () => hand(way, tenantId, id, taken));
  }

  async function hand(
    way: Transport,
    tenantId: TenantId,
    id: string,
    taken: TakenMail,
  ): Promise<boolean> {
    const now = clock.now();
    const of = { tenant_id: tenantId, mail_id: id, template: taken.template };
    try {
      if (now >= taken.give_up_at.getTime()) throw new MailFailure("refused", "too late");
      await way.send({ id, ...await open(tenantId, id, taken) });
    } catch (error) {
      const failure = asFailure(error);
      stats.failed++;
      stats.lastFailure = { reason: failure.reason, at: clock.now() };
      const dueAt = clock.now() + backOffMs(taken.attempts);
      if (failure.kind !== "refused" && dueAt < taken.give_up_at.getTime()) {
        log.warn("a mail did not leave and is tried again", {
          ...of,
          attempts: taken.attempts,
          reason: failure.reason,
        });
        await tenancy.query(tenantId, (sql) =>
          postponeMail(sql, {
            id,
            attempts: taken.attempts,
            failure: failure.reason,
            dueAt: new Date(dueAt),
          }));
      } else {
        log.error("a mail was given up", {
          ...of,
          attempts: taken.attempts,
          reason: failure.reason,
        });
        await finish(tenantId, id, { state: "dead", failure: failure.reason });
        stats.dead++;
      }
      if (failure.kind === "unavailable") throw failure;
      return false;
    }
    stats.sent++;
    stats.lastFailure = null;
    log.info("a mail was sent", { ...of, attempts: taken.attempts });
    await finish(tenantId, id, { state: "sent", failure: null });
    return true;
  }

  async function open(tenantId: TenantId, id: string, { sealed_letter }: TakenMail) {
    const bytes = await letters.open(sealed_letter, letterRow({ tenantId, id }));
    const parsed = letter.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    // One of a newer version of this program, which will come by.
    if (!parsed.success) throw new MailFailure("later", "unreadable");
    const { data } = parsed.data;
    // An alert's owner knows his devices by their names.
    if ("source" in data && data.source !== null && z.uuid().safeParse(data.source).success) {
      const peerId = data.source;
      const [peer] = await tenancy.query(tenantId, (sql) => readPeerName(sql, peerId));
      if (peer) data.source = `${peer.name} (${peerId})`;
    }
    return { to: parsed.data.to, ...render(parsed.data) };
  }

  async function finish(
    tenantId: TenantId,
    id: string,
    how: { state: "sent" | "dead"; failure: string | null },
  ) {
    const at = clock.now();
    await tenancy.transaction(tenantId, async (sql) => {
      await finishMail(sql, { id, at: new Date(at), ...how });
      await forgetMails(sql, new Date(at - keptDays * 86_400_000));
    });
  }

  async function round(way: Transport): Promise<number> {
    let sent = 0;
    let unavailable: MailFailure | undefined;
    const waiting = await lookups.dueMails({ at: new Date(clock.now()), most: batch });
    const next = async () => {
      for (let mail = waiting.shift(); mail && !unavailable; mail = waiting.shift()) {
        try {
          if (await deliver(way, mail.tenantId, mail.mailId)) sent++;
        } catch (error) {
          if (!(error instanceof MailFailure)) throw error;
          unavailable = error;
        }
      }
    };
    const outcomes = await Promise.allSettled(Array.from({ length: atOnce }, next));
    if (unavailable) {
      silent++;
      quietUntil = clock.now() + Math.min(5_000 * 2 ** (silent - 1), 60_000);
    } else {
      silent = 0;
    }
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    return sent;
  }

  /** One round at a time in a process; who asks meanwhile gets the answer of the round that runs. */
  function deliverDue(): Promise<number> {
    if (!transport || clock.now() < quietUntil) return Promise.resolve(0);
    running ??= round(transport).finally(() => running = undefined);
    return running;
  }

  async function again(): Promise<void> {
    try {
      await deliverDue();
    } catch (error) {
      // Requests say so too, in greater numbers.
      if (!isConnectionError(error)) log.error("mail is not delivered", errorFields(error));
    }
    if (closed) return;
    timer = setTimeout(again, pollMs);
    Deno.unrefTimer(timer);
  }

  return {
    transport: transport?.name ?? "none",
    stats,
    backlog: () => lookups.mailBacklog(),
    deliverDue,
    start() {
      if (!transport) {
        log.warn("mail waits: set SMTP_URL, or MAIL_FOLDER for a set-up without a mail server");
      } else void again();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await running?.catch(() => {});
    },
  };
}

function asFailure(error: unknown): MailFailure {
  if (error instanceof MailFailure) return error;
  // Another ENCRYPTION_KEY than the one it was sealed under: it will not open tomorrow either.
  if (error instanceof SealError) return new MailFailure("refused", "sealed under another key");
  return new MailFailure("later", error instanceof Error ? error.name : "unknown");
}
