import { resolve } from "node:path";
import { z } from "zod";
import { type Env, parseEnv, processEnv } from "../../lib/env.ts";
import { socketFolder } from "../../lib/socket_folder.ts";

const schema = z.object({
  OPERATOR_SOCKET: z.string().optional(),
  MASSACORP_DATA: z.string().default(".massacorp").transform((path) => resolve(path)),
});

/** Of `./massacorp up`, or of an installed service. */
export function dataFolderPath(env: Env = processEnv): string {
  return parseEnv(schema, env).MASSACORP_DATA;
}

/** Where the operator's socket may be: as told, or of `./massacorp up`, or of an installed service. */
export function operatorSockets(env: Env = processEnv): string[] {
  const { OPERATOR_SOCKET, MASSACORP_DATA } = parseEnv(schema, env);
  return OPERATOR_SOCKET ? [OPERATOR_SOCKET] : [
    `${socketFolder(MASSACORP_DATA, Deno.uid())}/operator/api.sock`,
    "/run/massacorp/operator/api.sock",
  ];
}
