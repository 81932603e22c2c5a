import { apiProcess } from "./identity/api_process.ts";
import { absolute, median, type Result } from "./measure.ts";

const starts = 9;

/** From the start of the API's process to its first `ready`, on a database that is up. */
export async function startup(): Promise<Result[]> {
  const took: number[] = [];
  // The first one fills the caches of the runtime, as the first start of an installation does.
  for (let start = 0; start <= starts; start++) {
    await using api = await apiProcess();
    if (start > 0) took.push(api.readyMs);
  }
  return [absolute({
    name: `the API's start-up to ready, p50 of ${starts}`,
    unit: "ms",
    value: median(took),
    most: 1_500,
  })];
}
