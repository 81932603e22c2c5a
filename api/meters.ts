import { Registry } from "../lib/metrics.ts";
import type { BreachOutcome } from "./auth/breach_check.ts";

/** Seconds: a hash takes some hundredths, a wait for the daemon up to some seconds. */
const durations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

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
    const method = methods.has(answered.method) ? answered.method : "other";
    const { route, code, listener, seconds } = answered;
    this.#requests.inc({ method, route, code, listener, status: String(answered.status) });
    this.#seconds.observe({ method, route }, seconds);
  }

  render(): string {
    return this.#registry.render();
  }
}
