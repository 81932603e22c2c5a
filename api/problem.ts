import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { z } from "@hono/zod-openapi";
import { AuditError } from "./audit/write_audit.ts";
import { translateDatabaseError } from "./database/errors.ts";
import { ApiError, problemTypes } from "./errors.ts";
import { errorFields } from "../lib/log.ts";
import type { AppEnv } from "./context.ts";

export const problemSchema = z.object({
  type: z.string().openapi({ example: "urn:massacorp:problem:invalid_input" }),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(problemTypes)),
  detail: z.string().optional(),
  request_id: z.string(),
  challenge: z.object({
    kind: z.literal("proof_of_work"),
    challenge: z.string(),
    bits: z.int(),
  }).optional(),
  errors: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })).optional(),
}).openapi("Problem");

/** The problem document of a refusal. */
export function problemResponse(c: Context<AppEnv>, error: ApiError): Response {
  const { title, status } = problemTypes[error.code];
  c.set("problemCode", error.code);
  const headers = new Headers({
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
  });
  if (status === 401) {
    const reason = error.code === "invalid_token" && c.req.header("authorization")
      ? ', error="invalid_token"'
      : "";
    headers.set("WWW-Authenticate", `Bearer realm="massacorp"${reason}`);
  }
  if (error.retryAfter !== undefined) headers.set("Retry-After", String(error.retryAfter));
  const body = {
    type: `urn:massacorp:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.detail ?? title,
    request_id: c.get("requestId"),
    ...(error.challenge === undefined ? {} : { challenge: error.challenge }),
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  };
  return c.newResponse(JSON.stringify(body), { status, headers });
}

/** Turns whatever was thrown into a problem document; what was not expected is logged and shown as 500. */
export function handleError(error: Error, c: Context<AppEnv>): Response {
  const known = asApiError(error);
  if (error instanceof AuditError) c.set("auditFailed", true);
  if (known.status >= 500) {
    const cause = known.cause ?? error;
    c.get("log")[error instanceof AuditError ? "critical" : "error"]("request failed", {
      code: known.code,
      ...errorFields(cause, { stack: true }),
      ...(error instanceof AuditError ? { reason: String(error.cause) } : {}),
    });
  }
  return problemResponse(c, known);
}

function asApiError(error: Error): ApiError {
  if (error instanceof ApiError) return error;
  const translated = translateDatabaseError(error);
  if (translated) return translated;
  if (error instanceof HTTPException && error.status === 413) return new ApiError("body_too_large");
  if (error instanceof HTTPException && error.status === 400) return new ApiError("malformed_json");
  return new ApiError("internal_error", { cause: error });
}
