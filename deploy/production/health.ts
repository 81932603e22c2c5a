import { parseArgs } from "node:util";
import { pauseFor } from "../../lib/pause.ts";
import { answersOk } from "../local/socket_http.ts";

/** `health.ts [--wait SECONDS] SOCKET PATH`: exit code 0 where a process of this host answers there with 200. */
if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { wait: { type: "string", default: "0" } },
    allowPositionals: true,
  });
  const [socket = "", path = "/"] = positionals;
  const deadline = Date.now() + Number(values.wait) * 1000;
  let ok = await answersOk(socket, path);
  while (!ok && Date.now() < deadline) {
    await pauseFor(100);
    ok = await answersOk(socket, path);
  }
  Deno.exit(ok ? 0 : 1);
}
