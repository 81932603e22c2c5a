import { join } from "node:path";
import { isEmail } from "../auth/email.ts";
import type { Secret } from "../../lib/secret.ts";
import type { Rendered } from "./templates/render.ts";

export interface OutgoingMail extends Rendered {
  /** The mail's id: the same at every attempt, so that who gets it twice can tell. */
  id: string;
  to: string;
}

/** The way out. */
export interface Transport {
  readonly name: "smtp" | "file";
  /** Resolves once the next one down the road has taken the mail over. @throws {MailFailure} */
  send(mail: OutgoingMail): Promise<void>;
}

/**
 * Why a mail did not leave. `refused`: never will. `later`: this mail, not now. `unavailable`: no mail leaves now,
 * because the server cannot be spoken to.
 */
export class MailFailure extends Error {
  override name = "MailFailure";
  /** @param reason a code, such as `550` or `ECONNREFUSED`: the words of a server name the recipient */
  constructor(
    readonly kind: "refused" | "later" | "unavailable",
    readonly reason: string,
  ) {
    super(`the mail did not leave: ${reason}`);
  }
}

/** What a mail and its connection may take in all; less than a lease. */
const patience = {
  connectionMs: 10_000,
  greetingMs: 10_000,
  silenceMs: 20_000,
  wholeMs: 45_000,
};

function message(mail: OutgoingMail, from: string) {
  // Of a user who has it from before such addresses were refused.
  if (!isEmail(mail.to)) throw new MailFailure("refused", "undeliverable address");
  return {
    from: { name: "MassaCorp", address: from },
    to: { name: "", address: mail.to },
    envelope: { from, to: [mail.to] },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    attachments: mail.attachments.map(({ filename, content }) => ({
      filename,
      content,
      contentType: "application/octet-stream",
    })),
    messageId: `<${mail.id}@${from.slice(from.lastIndexOf("@") + 1)}>`,
    // RFC 3834: nobody's out-of-office answers it.
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

/** With the first mail, not with the process: the library is 5 MB that most processes never need. */
const composing = () => import("nodemailer").then((module) => module.default.createTransport);

/** Puts each mail into a file of its own, for a set-up without a mail server: whoever may read the folder has the links. */
export function fileTransport({ folder, from }: { folder: string; from: string }): Transport {
  const composer = once(async () => (await composing())({ streamTransport: true, buffer: true }));
  return {
    name: "file",
    async send(mail) {
      const { message: bytes } = await (await composer()).sendMail(message(mail, from));
      if (!(bytes instanceof Uint8Array)) throw new MailFailure("refused", "no message was made");
      const path = join(folder, `${mail.id}.eml`);
      try {
        // Complete or not there: the reader of the folder may be a program.
        await Deno.writeFile(`${path}.part`, bytes, { mode: 0o600 });
        await Deno.rename(`${path}.part`, path);
      } catch (error) {
        throw new MailFailure("unavailable", error instanceof Error ? error.name : "unwritable");
      }
    },
  };
}

export interface SmtpOptions {
  /** `smtp://` with STARTTLS, `smtps://` with TLS from the first byte; user and password in it. */
  url: Secret<string>;
  from: string;
  /** `off` sends in clear, for a server on this host. */
  tls: "required" | "off";
  /** PEM of who signs the server's certificate, where the system does not know it. */
  ca: string | undefined;
  patience?: Partial<typeof patience>;
}

export function smtpTransport(options: SmtpOptions): Transport {
  const url = new URL(options.url.reveal());
  const bounds = { ...patience, ...options.patience };
  const secure = url.protocol === "smtps:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const user = decodeURIComponent(url.username);
  const smtp = once(async () =>
    (await composing())({
      host,
      port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
      secure,
      ...(options.tls === "off" ? { ignoreTLS: true } : { requireTLS: true }),
      tls: { minVersion: "TLSv1.2", ...(options.ca === undefined ? {} : { ca: options.ca }) },
      ...(user === "" ? {} : { auth: { user, pass: decodeURIComponent(url.password) } }),
      // What EHLO says; the host's own name is nobody's business.
      name: options.from.slice(options.from.lastIndexOf("@") + 1),
      connectionTimeout: bounds.connectionMs,
      greetingTimeout: bounds.greetingMs,
      socketTimeout: bounds.silenceMs,
      dnsTimeout: bounds.connectionMs,
    })
  );
  return {
    name: "smtp",
    async send(mail) {
      const outgoing = message(mail, options.from);
      try {
        await (await smtp()).sendMail({ ...outgoing, signal: AbortSignal.timeout(bounds.wholeMs) });
      } catch (error) {
        throw asFailure(error);
      }
    },
  };
}

/** What RFC 5321, 4.2.1 makes of the server's answer: 5yz to recipient or data is for good, all else is not. */
function asFailure(error: unknown): MailFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  const answer = error instanceof Error && "responseCode" in error ? Number(error.responseCode) : 0;
  const aboutThisMail = code === "EENVELOPE" || code === "EMESSAGE";
  const reason = answer > 0 ? `${code} ${answer}` : code;
  if (aboutThisMail && answer >= 500 && answer < 600) return new MailFailure("refused", reason);
  // 421 at any point is the server saying that it goes.
  if (aboutThisMail && answer !== 421) return new MailFailure("later", reason);
  return new MailFailure("unavailable", reason);
}
