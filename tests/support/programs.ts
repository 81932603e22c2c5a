import { writePrograms } from "./write_programs.ts";

/**
 * What a program can be made to do: `wg` to fail, to hang, to only show and refuse changes, or to be killed in
 * the middle of a file of peers.
 */
export type Fault = "fail" | "hang" | "refuse" | "cut" | "nft-fail";

/** A moment of applying: around a call of `wg set` or `wg addconf`, or half-way through a file of peers. */
export type Moment =
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
  /** Runs a shell command once, at the next such moment. `$PPID` in it is whoever called `wg`: the daemon. */
  at(moment: Moment, command: string): Promise<void>;
}

/** Of a file of peers, in lines: about a hundred peers. */
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
if [ -e ${folder}/moment ] && read -r verb moment < ${folder}/moment && [ "$1" = "$verb" ]; then
  rm ${folder}/moment
  [ "$moment" != half ] || head -n ${half} | /usr/bin/wg "$@"
  [ "$moment" != after ] || /usr/bin/wg "$@"
  . ${folder}/command
  [ "$moment" != after ] || exit 0
fi
exec /usr/bin/wg "$@"
`;
  const nft = `#!/bin/sh
[ ! -e ${folder}/nft-fail ] || exit 1
exec /usr/sbin/nft "$@"
`;
  await writePrograms({ [`${folder}/wg`]: wg, [`${folder}/nft`]: nft });
  return {
    folder,
    arguments: () => Deno.readTextFile(`${folder}/arguments`),
    break: (fault) => Deno.writeTextFile(`${folder}/${fault}`, ""),
    mend: (fault) => Deno.remove(`${folder}/${fault}`),
    async at(moment, command) {
      await Deno.writeTextFile(`${folder}/command`, `${command}\n`);
      await Deno.writeTextFile(`${folder}/moment`, `${moment}\n`);
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Where a program is: the process seam hands on no PATH. */
export async function pathOf(program: string): Promise<string> {
  const { stdout } = await new Deno.Command("which", { args: [program] }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Refused by the nft of {@link refusingNft}, as if the host's knew no such network. */
export const refusedNetwork = "203.0.113.0/24";

/** An nft that refuses whatever names {@link refusedNetwork}, and is the host's own otherwise. */
export async function refusingNft(): Promise<AsyncDisposable & { folder: string }> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-programs-" });
  const nft = await pathOf("nft");
  const script = `#!/bin/sh
case "$*" in
*--file*) text=$(cat); case "$text" in *203.0.113.0*) echo "refused" >&2; exit 1;; esac
  printf '%s\\n' "$text" | exec ${nft} "$@";;
*) exec ${nft} "$@";;
esac
`;
  await writePrograms({ [`${folder}/nft`]: script });
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}
