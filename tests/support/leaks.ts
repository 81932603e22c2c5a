import { lines } from "../../lib/lines.ts";
import { testSecrets } from "./api.ts";
import { testPassword } from "./cluster.ts";

/** Found in what a process said. The secret itself is not repeated. */
export interface Leak {
  file: string;
  /** The line, without the secret. */
  line: string;
}

/** In every process of the tests, whatever the test. */
const common = [...Object.values(testSecrets), testPassword.reveal()];

/** What has the shape of a secret, whoever made it. */
const shapes = [
  /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/, // a token
  /\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/]{16,}/,
  /PrivateKey = [\w+/]{43}=/,
  /PresharedKey = [\w+/]{43}=/,
];

/** Looks for seeded secrets, and for the shapes of secrets, in all that was kept in a folder (`output.ts`). */
export async function findLeaks(folder: string): Promise<{ leaks: Leak[]; lines: number }> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const seeded = new Set<string>();
  for (const name of names.filter((name) => name.endsWith(".secrets"))) {
    for (const secret of (await Deno.readTextFile(`${folder}/${name}`)).split("\n")) {
      if (secret.length >= 8) seeded.add(secret);
    }
  }
  const leaks: Leak[] = [];
  let count = 0;
  for (const name of names.filter((name) => name.endsWith(".output"))) {
    using file = await Deno.open(`${folder}/${name}`);
    for await (const line of lines(file.readable)) {
      count++;
      const found = common.find((secret) => line.includes(secret)) ?? seededIn(line, seeded) ??
        shapes.map((shape) => shape.exec(line)?.[0]).find((text) => text !== undefined);
      if (found) leaks.push({ file: name, line: line.replaceAll(found, "[LEAKED]").slice(0, 500) });
    }
  }
  return { leaks, lines: count };
}

/** Words are looked up, because there are thousands of secrets. */
function seededIn(line: string, seeded: ReadonlySet<string>): string | undefined {
  for (const [word] of line.matchAll(/[\w.~+/=-]{8,}/g)) {
    if (seeded.has(word)) return word;
    for (const part of word.split(/[=/]/)) if (seeded.has(part)) return part;
    // Base64 has both signs in it; what stands before the first one is a name, perhaps.
    const value = word.slice(word.indexOf("=") + 1);
    if (seeded.has(value)) return value;
  }
}
