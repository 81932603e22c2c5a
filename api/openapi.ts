import { type Hook, OpenAPIHono, z } from "@hono/zod-openapi";
import { normalisedEmail } from "./auth/email.ts";
import type { AppEnv } from "./context.ts";
import { ApiError, type ErrorCode, type FieldError, problemTypes } from "./errors.ts";
import { problemSchema } from "./problem.ts";
import { RouteMemory } from "./route_memory.ts";

export type Router = OpenAPIHono<AppEnv>;

/** Errors that one answer names: a body can have far more wrong fields than anybody reads. */
const maxErrors = 100;

/** Values that do not fit the schema become one problem document that names each field. */
const refuseInvalid: Hook<unknown, AppEnv, string, unknown> = (result) => {
  if (result.success) return;
  // An id of the wrong form is an id that nothing has.
  if (result.target === "param") throw new ApiError("not_found");
  const errors = result.error.issues.flatMap((issue): FieldError[] => {
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: [...path, key].join("."),
        code: "unknown_field",
        message: "is not a field of this operation",
      }));
    }
    // A field that is not there is no field of a wrong type, to whoever forgot it.
    const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
    const message = missing ? "is missing" : issue.message;
    return [{ path: path.join("."), code: issue.code, message }];
  });
  throw new ApiError("invalid_input", { errors: errors.slice(0, maxErrors) });
};

/** A router that refuses what does not fit an operation's schema, as one problem document. */
export function createRouter(): Router {
  // Not strict: `/peers` and `/peers/` are one and the same.
  return new OpenAPIHono<AppEnv>({
    defaultHook: refuseInvalid,
    strict: false,
    router: new RouteMemory(),
  });
}

/** A JSON request body that must be there. */
export function jsonRequest<S extends z.ZodType>(schema: S) {
  return { body: { required: true, content: { "application/json": { schema } } } };
}

/** A JSON answer of the OpenAPI document. */
export function jsonResponse<S extends z.ZodType>(schema: S, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/**
 * The header by which a call without a token names its tenant. Without it the answer is 400 `tenant_required`, which is
 * no affair of a schema's, so that the document alone says that it has to be there.
 */
export const tenantHeader = z.object({
  "x-tenant-id": z.string().optional().openapi({ "x-required": true }),
});

/** The same where it is all that is told of headers: for the document, and no work of any request's. */
export const namesTenant = { "x-headers": tenantHeader };

const descriptions = {
  400: "The request cannot be read, or names no tenant",
  401: "No credentials, or wrong ones",
  403: "Not permitted, or through a tunnel that is not the caller's",
  404: "Unknown, or another tenant's",
  406: "None of the accepted types can be given",
  408: "The body did not arrive in time",
  409: "In conflict with what is there",
  413: "The body is too large",
  415: "The body is not application/json",
  421: "No such host is served here",
  422: "Values are wrong; `errors` names each field",
  429: "Too many requests; retry after `Retry-After` seconds",
  500: "A fault of ours",
  503: "A dependency is down or too much is going on; retry after `Retry-After` seconds",
} as const;

/**
 * Entries of the OpenAPI document for the refusals that are an operation's own.
 * @param codes each has the status that it always has; those of its kind (`api/document/problems.ts`) go without saying
 */
export function refusals<const C extends readonly ErrorCode[]>(...codes: C) {
  const content = { "application/problem+json": { schema: problemSchema } };
  const entries: Partial<
    Record<Refusable, { description: string; content: typeof content; "x-codes": ErrorCode[] }>
  > = {};
  for (const code of codes) {
    const { status } = problemTypes[code];
    const entry = entries[status] ??= { description: descriptions[status], content, "x-codes": [] };
    entry["x-codes"].push(code);
  }
  return entries as Record<StatusOf<C[number]>, { description: string; content: typeof content }>;
}

type Refusable = keyof typeof descriptions;
type StatusOf<Code extends ErrorCode> = (typeof problemTypes)[Code]["status"];

/** A numeric id in a path, such as a user's; text that is none is an id that nothing has. */
export const numericId = z.string().regex(/^[1-9]\d{0,8}$/).transform(Number).openapi({
  type: "integer",
  minimum: 1,
  maximum: 999_999_999,
});

export const timestamp = z.iso.datetime().openapi({ example: "2026-01-31T12:00:00.000Z" });

/** An address of e-mail, normalised once, here. */
export const email = z.string().trim().max(254)
  .regex(/^[^@\s\p{Cc}]{1,64}@[^@\s\p{Cc}]{1,189}$/u, "must be an e-mail address")
  .transform((text, context) => {
    const normalised = normalisedEmail(text);
    if (normalised !== undefined) return normalised;
    context.addIssue("must be an e-mail address");
    return z.NEVER;
  })
  .openapi({ example: "ada@acme.example" });
