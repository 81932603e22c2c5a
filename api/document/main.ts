import { committedFiles, makeDocument } from "./committed.ts";

// `deno task openapi`: writes what is committed of the API's description.
for (const [path, text] of Object.entries(await committedFiles(await makeDocument()))) {
  await Deno.writeTextFile(new URL(`../../${path}`, import.meta.url), text);
}
Deno.exit(0);
