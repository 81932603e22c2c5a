import { pauseFor } from "../../../lib/pause.ts";
import { adminOf, loopback, testApi } from "../../support/api.ts";
import { absolute, percentile, type Result } from "../measure.ts";

const inParallel = 32;
const waves = 20;

/** How late a timer of a millisecond is while so many log-ins run at once, in the process that serves them. */
export async function eventLoop(): Promise<Result[]> {
  await using api = await testApi();
  const { email, password } = await adminOf(api, "acme");
  const logIn = async () => {
    const body = { email, password };
    const { status } = await api.request("/api/v1/auth/login", {
      via: loopback,
      tenant: "acme",
      body,
    });
    if (status !== 200) throw new Error(`a log-in was answered with ${status}`);
  };
  await logIn();
  const delays: number[] = [];
  let over = false;
  const sampling = (async () => {
    while (!over) {
      const asked = performance.now();
      await pauseFor(1);
      delays.push(performance.now() - asked - 1);
    }
  })();
  for (let wave = 0; wave < waves; wave++) {
    await Promise.all(Array.from({ length: inParallel }, logIn));
  }
  over = true;
  await sampling;
  return [absolute({
    name: `event-loop delay while ${inParallel} log-ins run, p99 of ${delays.length}`,
    unit: "ms",
    value: percentile(delays, 99),
    most: 50,
  })];
}
