import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { Outcome } from "../../deploy/demo/run.ts";
import { type Namespaces, uniqueInterface } from "./netns.ts";
import { seedSecret } from "./output.ts";
import { commandsOf } from "./readme.ts";
import { codeAt } from "./totp.ts";

const password = "A walk along 7 whole rivers";

export interface Walk {
  /** What the operator's commands say; `--out enrol.conf` leaves the file's text behind under that name. */
  task(command: string): Promise<string>;
  /** The text of what was written with `--out`, by the answer of the command that wrote it. */
  outFile(name: string, said: string): Promise<string>;
  hosts: Namespaces;
  /** A folder of the host `laptop`. */
  folder: string;
}

/**
 * README's first ten minutes and the guide's second factor and API key, command by command as they stand there, on an
 * installation that has nothing but its first admin; what a reader would put in place of `…` is put there.
 */
export async function walk({ task, outFile, hosts, folder }: Walk): Promise<void> {
  const files = {
    "enrol.conf": `${uniqueInterface()}.conf`,
    "ada.conf": `${uniqueInterface()}.conf`,
  };
  const facts: Record<string, string> = {};
  const variables: Record<string, string> = {};
  let secret = "";
  const shown: string[] = [];

  let prelude = "";
  const onLaptop = async (line: string): Promise<Outcome> => {
    const script = `${prelude}cd "$1"; ${line.replace(/^sudo /, "")}`;
    return await hosts.exec("laptop", ["sh", "-euc", script, "sh", folder], {
      env: { ...variables, LOG_LEVEL: "silent", NO_COLOR: "1" },
      timeoutMs: 60_000,
    });
  };
  /** As a reader fills a line in. */
  const filledIn = (line: string): string => {
    let text = line.replaceAll(/"password":"…"/g, `"password":"${password}"`)
      .replace(/"token":"q0Yq…"/, `"token":"${facts["token"]}"`)
      .replace(/"mfa_session_token":"eyJ…"/, `"mfa_session_token":"${facts["mfa_session_token"]}"`)
      .replace(/--user 3\b/, `--user ${facts["bob"]}`);
    text = text.replace(/"code":"\d{6}"/, () => `"code":"${nextCode()}"`);
    for (const [name, own] of Object.entries(files)) text = text.replaceAll(name, own);
    return text;
  };
  const nextCode = () => {
    ok(secret !== "", "there is a secret to make a code of");
    // The next time step's, which the first code did not use up.
    const at = Date.now() + (shown.length === 0 ? 0 : 30_000);
    const code = codeAt(secret, at);
    shown.push(code);
    return code;
  };
  const follow = async (line: string): Promise<string> => {
    if (line.startsWith("umask ")) prelude = `${line}; `;
    const [, name] = /^(TOKEN|KEY|API)=/.exec(line) ?? [];
    if (name) {
      variables[name] = { TOKEN: facts["access_token"], KEY: facts["key"] }[name] ?? line.slice(4);
      return "";
    }
    if (line.startsWith("deno task ")) {
      const said = await task(filledIn(line).slice("deno task ".length));
      facts["bob"] = /^user (\d+) \(bob@/.exec(said)?.[1] ?? facts["bob"] ?? "";
      if (line.includes("--out enrol.conf")) {
        facts["token"] = /#tenant=\d+&token=(\S+)/.exec(said)?.[1] ?? "";
        seedSecret(facts["token"]);
        const text = await outFile(files["enrol.conf"], said);
        await Deno.writeTextFile(join(folder, files["enrol.conf"]), text, { mode: 0o600 });
      }
      return said;
    }
    const { success, stdout, stderr } = await onLaptop(filledIn(line));
    ok(success, `${line}\n${stdout}\n${stderr}`);
    for (const key of ["access_token", "mfa_session_token", "secret", "key"]) {
      const value = new RegExp(`"${key}":"([^"]+)"`).exec(stdout)?.[1];
      if (value) facts[key] = value;
    }
    secret = facts["secret"] ?? "";
    return stdout;
  };

  const minutes = await commandsOf("## The first ten minutes");
  const last = minutes.findIndex((line) => line.startsWith("deno task peer:list"));
  ok(last > 8, "the section goes from a tenant to a look at its peers");
  const said: Record<string, string> = {};
  for (const line of minutes.slice(0, last)) said[line] = await follow(line);
  const of = (part: string) =>
    Object.entries(said).find(([line]) => line.includes(part))?.[1] ?? "";
  match(of("tenant:create"), /^tenant \d+ \(acme\)\n/);
  match(of("user:create"), /^user \d+ \(bob@acme\.example, user\)/);
  match(of("user:list"), /ada@acme\.example +active +admin +never/);
  match(of("peer:add"), /10\.10\.0\.\d+: active/);
  match(of("/api/v1/info"), /"environment":"\w+".*"via":"tunnel".*"tenant_id":\d/);
  match(of("/auth/login"), /"access_token":"eyJ/);

  const guide: string[] = [];
  for (const line of await commandsOf("## Log in with a second factor", "docs/guide.md")) {
    const text = await follow(line);
    if (text !== "") guide.push(text);
  }
  const [, factor = "", codes = "", first = "", , key = "", users = ""] = guide;
  match(factor, /"otpauth_uri":"otpauth:.*"qr_svg":"<svg/);
  equal(JSON.parse(codes).recovery_codes.length, 10);
  match(first, /^\{"mfa_required":true/);
  match(key, /"key":"mc_/);
  deepEqual(JSON.parse(users).items.map(({ email }: { email: string }) => email), [
    "ada@acme.example",
  ]);

  for (const line of minutes.slice(last)) {
    const text = await follow(line);
    if (line.includes("peer:list")) match(text, /ada-laptop +\d+ +\d+ +\S+ +active +(yes|no) /);
    if (line.includes("peer:revoke")) match(text, /is gone from the interface/);
    if (line.includes("wg:status")) match(text, /daemon +ok\n/);
  }
  const { success } = await onLaptop(`curl --max-time 2 ${variables["API"]}/info`);
  equal(success, false, "who was revoked hears nothing");
  await follow("sudo wg-quick down ./ada.conf");
}
