import { lint } from "./lint.ts";
import { makeDocument } from "./committed.ts";

// `deno task openapi:lint`: what Spectral finds in the API's description, less what is waived.
const { found, open, unused } = await lint(await makeDocument());
const lines = [
  ...open.map(({ rule, where, message }) => `${rule}: ${where}: ${message}`),
  ...unused.map(({ rule, where }) => `a waiver matches nothing any more: ${rule} ${where}`),
  `${open.length} open, ${found.length - open.length} waived`,
];
await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
Deno.exit(open.length + unused.length > 0 ? 1 : 0);
