import { join } from "node:path";
import { projectFolder } from "../../deploy/local/services.ts";

/**
 * The commands of a section of README.md, or of another document, in their order: what follows `$ ` in its code blocks, with the lines that a
 * backslash goes on with.
 */
export async function commandsOf(heading: string, document = "README.md"): Promise<string[]> {
  const text = await Deno.readTextFile(join(projectFolder, document));
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`${document} has no section ${heading}`);
  const [level = ""] = heading.split(" ");
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level.length}} `, "m"));
  const section = rest.slice(0, end < 0 ? undefined : end);
  const commands: string[] = [];
  for (const [, block = ""] of section.matchAll(/^```\n(.*?)^```$/gms)) {
    let open = false;
    for (const line of block.split("\n")) {
      const [, command] = /^\$ (.*)$/.exec(line) ?? [];
      if (command !== undefined) commands.push(command);
      else if (open) commands.push(`${commands.pop() ?? ""}\n${line}`);
      open = (command !== undefined || open) && line.endsWith("\\");
    }
  }
  return commands;
}
