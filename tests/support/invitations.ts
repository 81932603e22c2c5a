import assert from "node:assert/strict";
import { as, type Persona, type TestApi } from "./api.ts";

const base = "/api/v1/users/invitations";

/** Invites somebody, without a mail and without an enrolment peer unless told. */
export async function invite(api: TestApi, who: Persona, body: Record<string, unknown> = {}) {
  const reply = await api.request(base, {
    ...as(who),
    body: { email: "guest@acme.example", delivery: "inline", enrolment: false, ...body },
  });
  assert.equal(reply.status, 201, reply.text);
  return reply.body;
}
