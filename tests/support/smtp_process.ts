import { Buffer } from "node:buffer";
import { SMTPServer, type SMTPServerAddress } from "smtp-server";
import { certificate, key } from "./smtp_certificate.ts";

/**
 * A mail server that runs as a process of its own, and does what a recipient's name says: `reject-550@…` answers
 * that to RCPT, `data-451@…` that to DATA, `drop@…` closes the connection in the middle of DATA, `hang@…` never
 * answers. Everybody else gets his mail, which is a line of JSON on stdout.
 */
const encoder = new TextEncoder();
const say = (event: Record<string, unknown>) =>
  Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(event)}\n`));
const [mode = "plain", port = "0"] = Deno.args;

const refusal = (code: number, to: string) =>
  Object.assign(new Error(`no mail for ${to} here`), { responseCode: code });
const localPart = ({ address }: SMTPServerAddress) => address.slice(0, address.indexOf("@"));
let connections = 0;

const server = new SMTPServer({
  secure: mode === "tls",
  key,
  cert: certificate,
  disabledCommands: mode === "plain" ? ["STARTTLS"] : [],
  authOptional: mode !== "auth",
  allowInsecureAuth: true,
  disableReverseLookup: true,
  onConnect(_session, done) {
    say({ event: "connection", n: ++connections });
    if (mode !== "silent") done();
  },
  onAuth({ username, password }, _session, done) {
    if (username === "massacorp" && password === "p@ss/word") return done(null, { user: username });
    done(new Error("wrong"));
  },
  onRcptTo(address, _session, done) {
    const name = localPart(address);
    if (name === "hang") return;
    const [, code] = /^reject-(\d{3})$/.exec(name) ?? [];
    done(code ? refusal(Number(code), address.address) : null);
  },
  onData(stream, session, done) {
    const to = session.envelope.rcptTo.map(({ address }) => address);
    const name = session.envelope.rcptTo.map(localPart).join();
    const chunks: Uint8Array[] = [];
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("end", () => {
      if (name === "drop") return drop(session.id);
      const [, code] = /^data-(\d{3})$/.exec(name) ?? [];
      if (code) return done(refusal(Number(code), to.join()));
      const from = session.envelope.mailFrom === false ? "" : session.envelope.mailFrom.address;
      say({
        event: "mail",
        from,
        to,
        tls: session.secure,
        raw: Buffer.concat(chunks).toString("base64"),
      });
      done();
    });
  },
});

/** As a server that dies: no answer, no goodbye. */
function drop(session: string): void {
  for (const connection of server.connections) {
    if (connection.session.id === session) connection._socket.destroy();
  }
}

server.on("error", (error: Error) => say({ event: "error", message: error.message }));
server.listen(Number(port), "127.0.0.1", () => {
  const address = server.server.address();
  say({ event: "listening", port: typeof address === "object" ? address?.port : 0 });
});
