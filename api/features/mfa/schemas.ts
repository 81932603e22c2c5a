import { z } from "@hono/zod-openapi";
import { readRecoveryCode } from "../../auth/recovery_codes.ts";

/** Something that passes for a second factor, as it was meant whatever was typed between its characters. */
export type Code = { kind: "totp" | "recovery"; text: string };

const typed = z.string().min(1).max(9);
/** What the document says of it: how people write codes is forgiven. */
const characters = "^[0-9A-Za-z\\s-]+$";

function readTotp(text: string): string | undefined {
  const digits = text.replaceAll(/[\s-]/g, "");
  return /^[0-9]{6}$/.test(digits) ? digits : undefined;
}

/** What cannot be a code at all is no attempt: it is refused as any value of the wrong form. */
const formOf = (expected: string, read: (text: string) => Code | undefined) =>
  typed.transform((text, context) => {
    const code = read(text);
    if (code) return code;
    context.addIssue({ code: "custom", message: `must be ${expected}` });
    return z.NEVER;
  });

const asTotp = (text: string): Code | undefined => {
  const digits = readTotp(text);
  return digits === undefined ? undefined : { kind: "totp", text: digits };
};

const asRecovery = (text: string): Code | undefined => {
  const code = readRecoveryCode(text);
  return code === undefined ? undefined : { kind: "recovery", text: code };
};

export const totpCode = formOf("the six digits that the app shows", asTotp)
  .openapi({ example: "492039", pattern: characters });

export const recoveryCode = formOf("a recovery code", asRecovery)
  .openapi({ example: "7Q2M-XK4D", pattern: characters });

export const anyCode = formOf(
  "the six digits that the app shows, or a recovery code",
  (text) => asTotp(text) ?? asRecovery(text),
).openapi({ example: "492039", pattern: characters });

export const recoveryCodes = z.array(z.string()).openapi({
  description: "Ten, each good once; shown this once",
  example: ["7Q2M-XK4D"],
});
