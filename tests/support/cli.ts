import { keepAll } from "./output.ts";
import { projectFolder } from "./up.ts";

/** What a command said. */
export interface Said {
  code: number;
  out: string;
  err: string;
}

/** Runs an operator's command as `deno task` does: as a process of its own, under its permission set. */
export async function cli(
  name: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Said> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=cli", "api/cli/main.ts", name, ...args],
    cwd: projectFolder,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const said = { code, out: text(stdout), err: text(stderr) };
  // A client's file is what this one is asked for, and no log.
  keepAll(name === "peer:add" ? "" : said.out, said.err);
  return said;
}
