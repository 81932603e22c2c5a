import { BackupError } from "./error.ts";

/**
 * Neither an older program of PostgreSQL nor a newer one will do: what pg_dump 17 makes of a server 16 can be put back
 * into a server 16 by no pg_restore.
 *
 * @param options.server its version, such as `16.14`
 * @param options.env what it is started with afterwards: by the server in it Debian's wrapper decides which version it is
 * @throws {BackupError} where it is none of the server's own version
 */
export async function requireProgram(
  name: "pg_dump" | "pg_restore",
  { server, env }: { server: string; env: Record<string, string> },
): Promise<void> {
  const needed = parseInt(server);
  const found = await programVersion(name, env);
  if (found === needed) return;
  const here = found === undefined
    ? "there is none"
    : `here is ${found}; Debian has each version's in /usr/lib/postgresql/${needed}/bin, which has to come first in PATH`;
  throw new BackupError(`the server is PostgreSQL ${server}: needs ${name} ${needed}, and ${here}`);
}

async function programVersion(
  name: string,
  env: Record<string, string>,
): Promise<number | undefined> {
  try {
    const { stdout } = await new Deno.Command(name, {
      args: ["--version"],
      clearEnv: true,
      env,
    }).output();
    const found = / (\d+)/.exec(new TextDecoder().decode(stdout))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
