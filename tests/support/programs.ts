/**
 * What a program can be made to do: `wg` to fail, to hang, to only show and refuse changes, or to be killed in
 * the middle of a file of peers.
 */
export type Fault = "fail" | "hang" | "refuse" | "cut" | "nft-fail";

/** Where the daemon is killed: around its first call of `wg set` or `wg addconf`, or half-way through a file. */
export type KillPoint =
  | "set before"
  | "set after"
  | "addconf before"
  | "addconf half"
  | "addconf after";

export interface BreakablePrograms extends AsyncDisposable {
  /** To be put before the PATH. */
  readonly folder: string;
  /** Every argument that `wg` was called with. */
  arguments(): Promise<string>;
  break(fault: Fault): Promise<void>;
  mend(fault: Fault): Promise<void>;
  /** `kill -9` of whoever calls `wg` next in this way; once. */
  killAt(point: KillPoint): Promise<void>;
}

/** Of a file of peers, in lines; no section is cut. */
const half = 505;

/** `wg` and `nft` that do what they are told, until one of them is broken. */
export async function breakablePrograms(): Promise<BreakablePrograms> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-programs-" });
  const wg = `#!/bin/sh
echo "$*" >> ${folder}/arguments
[ ! -e ${folder}/fail ] || { echo "Unable to modify interface" >&2; exit 1; }
[ ! -e ${folder}/refuse ] || [ "$1" = show ] || { echo "Unable to modify interface" >&2; exit 1; }
[ ! -e ${folder}/hang ] || exec sleep 60
if [ -e ${folder}/cut ] && [ "$1" = addconf ]; then
  head -n ${half} | /usr/bin/wg "$@"
  kill -9 $$
fi
if [ -e ${folder}/kill ] && read -r verb moment < ${folder}/kill && [ "$1" = "$verb" ]; then
  rm ${folder}/kill
  [ "$moment" != half ] || head -n ${half} | /usr/bin/wg "$@"
  [ "$moment" != after ] || /usr/bin/wg "$@"
  kill -9 $PPID
  exit 1
fi
exec /usr/bin/wg "$@"
`;
  const nft = `#!/bin/sh
[ ! -e ${folder}/nft-fail ] || exit 1
exec /usr/sbin/nft "$@"
`;
  await Deno.writeTextFile(`${folder}/wg`, wg, { mode: 0o755 });
  await Deno.writeTextFile(`${folder}/nft`, nft, { mode: 0o755 });
  return {
    folder,
    arguments: () => Deno.readTextFile(`${folder}/arguments`),
    break: (fault) => Deno.writeTextFile(`${folder}/${fault}`, ""),
    mend: (fault) => Deno.remove(`${folder}/${fault}`),
    killAt: (point) => Deno.writeTextFile(`${folder}/kill`, `${point}\n`),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
