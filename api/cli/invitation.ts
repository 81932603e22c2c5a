import { z } from "zod";
import type { Schema } from "../client/mod.ts";
import { type Command, optional, required, table, theOne, type Values } from "./command.ts";
import { CliError } from "./error.ts";
import { ask, everyItem, inTenant } from "./operator.ts";
import { newFile } from "./out_file.ts";

/** What inviting answers, whoever is invited to what. */
interface Invited {
  invitation: Schema<"Invitation"> | null;
  link: string | null;
  enrolment: Schema<"ProvisionedPeer"> | null;
}

export const invitationOptions: Command["options"] = {
  out: { type: "string" },
  mail: { type: "boolean" },
};

/** Invites, and shows link and tunnel file this once: in a file, on the terminal, or not at all where mailed. */
export async function inviting<A extends Invited>(
  values: Values,
  call: (choice: { delivery: "mail" | "inline" }) => Promise<{ answer: A; head: string }>,
): Promise<{ answer: A; text: string }> {
  const out = optional(values, "out");
  const mail = values["mail"] === true;
  if (mail && out !== undefined) throw new CliError("give either --mail or --out", 2);
  // Opened first: a tunnel file that could not be written would be lost.
  await using file = out === undefined ? undefined : await newFile(out);
  const { answer, head } = await call({ delivery: mail ? "mail" : "inline" });
  const { invitation, link, enrolment } = answer;
  const lines = [
    head,
    ...(invitation
      ? [`${invitation.email} is invited as ${invitation.role} until ${invitation.expires_at}`]
      : []),
  ];
  if (enrolment) {
    lines.push(`enrolment peer at ${enrolment.peer.address}: ${enrolment.peer.status}`);
  }
  if (mail) lines.push("link and tunnel file are on their way to that address");
  if (link !== null) {
    const how = enrolment ? ", opens with that tunnel on" : "";
    lines.push(`link, shown this once${how}: ${link}`);
  }
  if (enrolment?.config) {
    await file?.write(enrolment.config);
    lines.push(out === undefined ? `\n${enrolment.config}` : `tunnel file: ${out}`);
  }
  return { answer, text: lines.join("\n") };
}

export const invitationList: Command = {
  usage: "--tenant acme",
  summary: "List a tenant's invitations that nobody has accepted yet",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = inTenant(required(values, "tenant"));
    const items = await everyItem((query) =>
      api.GET("/api/v1/users/invitations", { params: { ...tenant, query } })
    );
    const rows = items.map(({ id, email, role, invited_by, status, expires_at }) => [
      id,
      email,
      role,
      invited_by === null ? "the operator" : String(invited_by),
      status,
      expires_at,
    ]);
    const headings = ["ID", "E-MAIL", "ROLE", "INVITED BY", "STATUS", "ENDS"];
    return { answer: items, text: items.length === 0 ? "no invitation" : table(headings, rows) };
  },
};

export const invitationWithdraw: Command = {
  usage: "--tenant acme ID",
  summary: "Withdraw an invitation: its link opens nothing, and its enrolment peer goes",
  options: { tenant: { type: "string" } },
  async run({ api, values, positionals }) {
    const id = theOne(positionals, "name one invitation by its id");
    if (!z.uuid().safeParse(id).success) {
      throw new CliError("name the invitation by the ID that invitation:list shows", 2);
    }
    const tenant = inTenant(required(values, "tenant"));
    const answer = await ask(
      api.DELETE("/api/v1/users/invitations/{id}", { params: { ...tenant, path: { id } } }),
    );
    return {
      answer,
      failed: !answer.removed,
      text: answer.removed
        ? `invitation ${id} is withdrawn, and no peer of it is on the interface`
        : `invitation ${id} is withdrawn, but the daemon has not confirmed yet that its peer is off the interface`,
    };
  },
};
