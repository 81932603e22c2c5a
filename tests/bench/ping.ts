/**
 * Pings every 10 ms while something is done, and ends by a count so that no echo is under way at the end.
 * @param argv what runs a command in the client's namespace
 */
export async function pingWhile(
  argv: readonly string[],
  address: string,
  work: () => Promise<void>,
): Promise<{ sent: number; lost: number }> {
  let sent = 0;
  let received = 0;
  let over = false;
  const pinging = (async () => {
    while (!over) {
      const [program = "", ...args] = [
        ...argv,
        "ping",
        "-i",
        "0.01",
        "-c",
        "50",
        "-W",
        "2",
        address,
      ];
      const { stdout } = await new Deno.Command(program, { args, stderr: "null" }).output();
      const found = /(\d+) packets transmitted, (\d+) received/.exec(
        new TextDecoder().decode(stdout),
      );
      if (!found) throw new Error("ping told nothing");
      sent += Number(found[1]);
      received += Number(found[2]);
    }
  })();
  try {
    await work();
  } finally {
    over = true;
    await pinging;
  }
  return { sent, lost: sent - received };
}
