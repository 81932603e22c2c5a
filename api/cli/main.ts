import { parseArgs } from "node:util";
import { ConfigError } from "../../lib/env.ts";
import { type Command } from "./command.ts";
import { CliError } from "./error.ts";
import { keyList, keyRevoke } from "./api_key.ts";
import { operatorSockets } from "./config.ts";
import { connectOperator } from "./operator.ts";
import { gatewayAdd, gatewayList, gatewayRetire, gatewaySet, wgAnnounceKey } from "./gateway.ts";
import { grantAdd, grantList, grantRevoke } from "./grant.ts";
import { invitationList, invitationWithdraw } from "./invitation.ts";
import { mfaReseal, mfaReset, secretsReseal } from "./mfa.ts";
import { peerAdd, peerList, peerRevoke } from "./peer.ts";
import { sessionsRevoke } from "./sessions.ts";
import { tenantCreate, tenantList, tenantQuota, tenantResume, tenantSuspend } from "./tenant.ts";
import { userCreate, userDeactivate, userInvite, userList, userUnlock } from "./user.ts";
import { wgExplain } from "./wg_explain.ts";
import { wgExport } from "./wg_export.ts";
import { wgHeld, wgRelease } from "./wg_held.ts";
import { wgImport } from "./wg_import.ts";
import { wgMove } from "./wg_move.ts";
import { wgStatus } from "./wg_status.ts";

const commands: Record<string, Command> = {
  "tenant:create": tenantCreate,
  "tenant:list": tenantList,
  "tenant:quota": tenantQuota,
  "tenant:suspend": tenantSuspend,
  "tenant:resume": tenantResume,
  "user:create": userCreate,
  "user:invite": userInvite,
  "user:list": userList,
  "user:deactivate": userDeactivate,
  "user:unlock": userUnlock,
  "invitation:list": invitationList,
  "invitation:withdraw": invitationWithdraw,
  "sessions:revoke": sessionsRevoke,
  "key:list": keyList,
  "key:revoke": keyRevoke,
  "mfa:reset": mfaReset,
  "mfa:reseal": mfaReseal,
  "secrets:reseal": secretsReseal,
  "peer:add": peerAdd,
  "peer:list": peerList,
  "peer:revoke": peerRevoke,
  "grant:add": grantAdd,
  "grant:list": grantList,
  "grant:revoke": grantRevoke,
  "gateway:add": gatewayAdd,
  "gateway:list": gatewayList,
  "gateway:set": gatewaySet,
  "gateway:retire": gatewayRetire,
  "wg:announce-key": wgAnnounceKey,
  "wg:status": wgStatus,
  "wg:explain": wgExplain,
  "wg:move": wgMove,
  "wg:held": wgHeld,
  "wg:release": wgRelease,
  "wg:import": wgImport,
  "wg:export": wgExport,
};

function say(text: string, to: typeof Deno.stdout | typeof Deno.stderr = Deno.stdout): void {
  to.writeSync(new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`));
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { usage, summary }]) =>
    `  ${`deno task ${name} ${usage}`.trimEnd()}\n      ${summary}`
  );
  return `Commands, spoken to the running API over the operator's socket; --json prints its answer as it is:\n${
    lines.join("\n")
  }`;
}

/** @returns the exit code: 0 done, 1 refused or unreachable, 2 called wrongly */
async function run(args: string[]): Promise<number> {
  const [name = "", ...rest] = args;
  const command = commands[name];
  if (!command) {
    say(usage(), Deno.stderr);
    return 2;
  }
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      options: { ...command.options, json: { type: "boolean" }, help: { type: "boolean" } },
      allowPositionals: true,
    });
    if (values.help) {
      say(`deno task ${name} ${command.usage}\n    ${command.summary}`);
      return 0;
    }
    using api = await connectOperator(operatorSockets());
    const { answer, text, failed } = await command.run({ api, values, positionals });
    say(values.json ? JSON.stringify(answer) : text);
    return failed ? 1 : 0;
  } catch (error) {
    const code = exitCode(error);
    if (code === undefined || !(error instanceof Error)) throw error;
    say(`${name}: ${error.message}`, Deno.stderr);
    if (code === 2) say(`usage: deno task ${name} ${command.usage}`, Deno.stderr);
    return code;
  }
}

/** Undefined for what nobody foresaw. */
function exitCode(error: unknown): number | undefined {
  if (error instanceof CliError) return error.exitCode;
  // parseArgs throws a TypeError at options it does not know.
  return error instanceof TypeError || error instanceof ConfigError ? 2 : undefined;
}

Deno.exit(await run(Deno.args));
