import type { CutOff, FirstStart } from "./first_start.ts";
import { drawQr, type Terminal } from "./terminal.ts";

interface Hints {
  /** The command that makes another admin. */
  anotherAdmin: string;
  /** The command that makes a peer. */
  peer: string;
  /** What the tunnel file is good for. */
  file: string;
}

/**
 * Shows what the first start made, the password once and for all.
 * @returns whether all of it is there
 */
export async function tellFirst(
  first: FirstStart | CutOff,
  { terminal, hints }: { terminal: Terminal; hints: Hints },
): Promise<boolean> {
  if ("note" in first) {
    terminal.say(
      "The first start was cut off before it showed the admin's password, and nothing can show it again.\n" +
        `Make another admin:  ${hints.anotherAdmin}\n` +
        `and then remove ${first.note}, and this is not said any more.`,
    );
    return false;
  }
  terminal.step("tenant", `${first.tenant.slug} (id ${first.tenant.id})`);
  terminal.step("admin", first.admin.email);
  terminal.step("password", `${first.admin.password}   (shown this once)`);
  await first.shown();
  if ("error" in first.peer) {
    terminal.step("no tunnel", first.peer.error);
    terminal.say(`Make a peer with:  ${hints.peer}`);
    return false;
  }
  terminal.step("tunnel file", `${first.peer.file}   (${hints.file})`);
  terminal.say("");
  terminal.say(drawQr(first.peer.config, { colour: Deno.stdout.isTerminal() }));
  return true;
}
