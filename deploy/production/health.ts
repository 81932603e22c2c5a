import { answersOk } from "../local/socket_http.ts";

/** `health.ts SOCKET PATH`: exit code 0 where a process of this host answers there with 200. */
if (import.meta.main) {
  const [socket = "", path = "/"] = Deno.args;
  Deno.exit(await answersOk(socket, path) ? 0 : 1);
}
