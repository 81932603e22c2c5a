import type { Command } from "./command.ts";
import { ask } from "./operator.ts";

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
