import { type Command, required } from "./command.ts";
import { userId } from "./names.ts";
import { ask, inTenant } from "./operator.ts";

export const secretsReseal: Command = {
  usage: "",
  summary: "Seal all that is sealed under the newest keys, after ENCRYPTION_KEY was changed",
  options: {},
  async run({ api }) {
    const done = await ask(api.POST("/api/v1/encryption/reseal"));
    const { preshared_keys, mails, second_factors } = done.resealed;
    const left = done.left.map(({ kind, key_id, count, known }) =>
      `${count} ${kind}(s) are still under key ${key_id}${known ? "" : ", which is not there"}${
        kind === "recovery_code" ? "; new ones are made by /mfa/recovery/regenerate" : ""
      }`
    );
    const text = [
      `sealed anew: ${preshared_keys} preshared key(s), ${mails} mail(s), ${second_factors} second factor(s)`,
      ...done.unreadable > 0 ? [`${done.unreadable} do not open under any key that is there`] : [],
      ...left,
      ...left.length === 0 ? ["nothing is left under an older key: older keys can be dropped"] : [],
    ];
    return { answer: done, text: text.join("\n") };
  },
};

export const mfaReseal: Command = {
  usage: "",
  summary: "Seal the secrets of second factors under the newest key, after MFA_KEY was changed",
  options: {},
  async run({ api }) {
    const done = await ask(api.POST("/api/v1/mfa/reseal"));
    const left = done.recovery_codes.map(({ key_id, users }) =>
      `key ${key_id}: ${users} user(s) have recovery codes that end with it; they get new ones by /mfa/recovery/regenerate`
    );
    const text = [`${done.resealed} secret(s) sealed under key ${done.key_id}`, ...left];
    return { answer: done, text: text.join("\n") };
  },
};

export const mfaReset: Command = {
  usage: "--tenant acme --user 7|bob@acme.example --reason 'Phone lost, called back'",
  summary:
    "Take away the second factor of somebody who lost it; he is told by mail, with the reason, and his sessions end",
  options: {
    tenant: { type: "string" },
    user: { type: "string" },
    reason: { type: "string" },
  },
  async run({ api, values }) {
    const [tenant, user] = [required(values, "tenant"), required(values, "user")];
    const reason = required(values, "reason");
    const id = await userId(api, { tenant, user });
    const answer = await ask(api.POST("/api/v1/users/{id}/mfa/reset", {
      params: { ...inTenant(tenant), path: { id } },
      body: { reason },
    }));
    return {
      answer,
      text: `user ${user} has no second factor; ${answer.sessions_ended} session(s) ended`,
    };
  },
};
