import { X509Certificate } from "node:crypto";
import { Registry } from "../../lib/metrics.ts";
import type { LimitedBy } from "../context.ts";
import type { BreachOutcome } from "../auth/breach_check.ts";

/** Seconds: a hash takes some hundredths, a wait for the daemon up to some seconds. */
const durations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** A method by its name where it is one of ours: what else somebody sends is not repeated. */
export function methodLabel(method: string): string {
  return methods.has(method) ? method : "other";
}

/** Where somebody proves who he is. */
const ways = new Map([
  ["/api/v1/auth/login", "password"],
  ["/api/v1/auth/login/mfa", "second_factor"],
  ["/api/v1/auth/refresh", "refresh"],
  ["/api/v1/auth/step-up", "step_up"],
]);

/** What the API counts as it happens. No label names a tenant, a user, a key or an address. */
export class Meters {
  readonly #registry = new Registry();
  readonly #requests = this.#registry.counter({
    name: "massacorp_api_requests_total",
    help:
      "Answers by method, route template, status, code of the refusal (such as rate_limited) and listener.",
    labels: ["method", "route", "status", "code", "listener"],
  });
  readonly #seconds = this.#registry.histogram({
    name: "massacorp_api_request_seconds",
    help: "Time to the answer's head, by method and route template.",
    labels: ["method", "route"],
    buckets: durations,
  });

  readonly #breachChecks = this.#registry.counter({
    name: "massacorp_api_breach_checks_total",
    help:
      "New passwords asked for among those of known breaches: found, clean, or failed (and taken).",
    labels: ["outcome"],
  });

  readonly #auditFailures = this.#registry.counter({
    name: "massacorp_api_audit_failures_total",
    help:
      "Changes that were not made because their audit entry could not be written. Each is a CRITICAL log.",
    labels: [],
  });

  readonly #limited = this.#registry.counter({
    name: "massacorp_api_limited_total",
    help: "Requests that a limit refused, by class.",
    labels: ["class"],
  });

  readonly #authentications = this.#registry.counter({
    name: "massacorp_api_authentications_total",
    help:
      "Log-ins, second factors, refreshes and step-ups by outcome: accepted, or the code of the refusal.",
    labels: ["way", "outcome"],
  });

  readonly #refreshReuse = this.#registry.counter({
    name: "massacorp_api_refresh_reuse_total",
    help:
      "Refresh tokens that were presented again after their successor: stolen, or a broken client.",
    labels: [],
  });

  readonly #eventLoop = this.#registry.histogram({
    name: "massacorp_api_event_loop_delay_seconds",
    help: "How late a timer came, measured twice a second: what everything else waits, too.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  });

  #certificateEnds: number | undefined;

  /** @param by a class of the configuration */
  limited(by: LimitedBy): void {
    this.#limited.inc({ class: by });
  }

  refreshReuse(): void {
    this.#refreshReuse.inc({});
  }

  eventLoopDelay(seconds: number): void {
    this.#eventLoop.observe({}, seconds);
  }

  /** @param pem the certificate that is served from now on, before those of its chain */
  certificate(pem: string): void {
    this.#certificateEnds = new X509Certificate(pem).validToDate.getTime() / 1000;
  }

  get certificateEnds(): number | undefined {
    return this.#certificateEnds;
  }

  auditFailure(): void {
    this.#auditFailures.inc({});
  }

  breachCheck(outcome: BreachOutcome): void {
    this.#breachChecks.inc({ outcome });
  }

  /** @param answered.route the template that matched, never the path itself */
  request(
    answered: {
      method: string;
      route: string;
      status: number;
      code: string;
      listener: string;
      seconds: number;
    },
  ): void {
    const method = methodLabel(answered.method);
    const { route, code, listener, seconds } = answered;
    this.#requests.inc({ method, route, code, listener, status: String(answered.status) });
    this.#seconds.observe({ method, route }, seconds);
    const way = method === "POST" ? ways.get(route) : undefined;
    if (way) {
      const accepted = answered.status < 400;
      this.#authentications.inc({ way, outcome: accepted ? "accepted" : code || "failed" });
    }
  }

  render(): string {
    return this.#registry.render();
  }
}
