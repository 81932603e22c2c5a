import { join } from "node:path";
import { projectFolder } from "../../deploy/local/services.ts";

/**
 * The commands of a section of README.md, or of another document, in their order: what follows `$ ` in its code blocks, with the lines that a
 * backslash goes on with.
 */
export async function commandsOf(heading: string, document = "README.md"): Promise<string[]> {
  const text = await Deno.readTextFile(join(projectFolder, document));
  const [, rest] = text.split(`\n${heading}\n`);
  if (rest === undefined) throw new Error(`${document} has no section ${heading}`);
  const [level = ""] = heading.split(" ");
  const next = new RegExp(`^#{1,${level.length}} `);
  const commands: string[] = [];
  let inBlock = false;
  let open = false;
  for (const line of rest.split("\n")) {
    if (line.startsWith("```")) {
      inBlock = !inBlock;
      open = false;
      continue;
    }
    // What a command prints may look like a heading.
    if (!inBlock && next.test(line)) break;
    if (!inBlock) continue;
    const [, command] = /^\$ (.*)$/.exec(line) ?? [];
    if (command !== undefined) commands.push(command);
    else if (open) commands.push(`${commands.pop() ?? ""}\n${line}`);
    open = (command !== undefined || open) && line.endsWith("\\");
  }
  return commands;
}
