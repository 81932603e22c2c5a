import { pauseFor } from "../../lib/pause.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { TestDaemon } from "../support/wgd.ts";
import { apiProcess } from "./identity/api_process.ts";
import { absolute, residentMb, type Result } from "./measure.ts";

/** What needs some seconds to settle: the start's own garbage, timers, connections. */
const settleMs = 10_000;
const settle = () => pauseFor(settleMs);

/** Resident memory of processes that have nothing to do, as `up` starts them. */
export async function idleMemory(): Promise<Result[]> {
  const results: Result[] = [];
  {
    await using api = await apiProcess();
    await settle();
    const value = await api.resident() / 1024 / 1024;
    results.push(absolute({ name: "the idle API, resident", unit: "MB", value, most: 120 }));
  }
  if (Deno.uid() === 0) {
    await using db = await testDatabase();
    await using net = await namespaces("server");
    await using daemon = await TestDaemon.create(db, net);
    await daemon.start();
    await settle();
    const value = await residentMb(daemon.pid);
    results.push(absolute({ name: "the idle daemon, resident", unit: "MB", value, most: 90 }));
  }
  return results;
}
