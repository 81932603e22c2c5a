import { deepEqual, equal, rejects } from "node:assert/strict";
import { type Service, supervise } from "./supervise.ts";

/** A service whose every life is ended by hand, on a clock that only pauses move. */
function scripted(failures: number[] = []) {
  const lives: PromiseWithResolvers<string>[] = [];
  let starts = 0;
  const pauses: number[] = [];
  const said: string[] = [];
  let clock = 0;
  const waiting: (() => void)[] = [];
  const service: Service = {
    name: "thing",
    start() {
      starts++;
      if (failures.includes(starts)) return Promise.reject(new Error(`start ${starts} failed`));
      const life = Promise.withResolvers<string>();
      lives.push(life);
      waiting.shift()?.();
      return Promise.resolve({
        exited: life.promise,
        stop: () => Promise.resolve(life.resolve("stopped")),
      });
    },
  };
  return {
    service,
    pauses,
    said,
    get starts() {
      return starts;
    },
    options: {
      say: (line: string) => void said.push(line),
      pause: (ms: number) => Promise.resolve(void pauses.push(ms)),
      now: () => clock,
    },
    /** Ends the present life; resolves when the next one has begun. */
    async die(afterMs = 0) {
      const next = new Promise<void>((resolve) => waiting.push(resolve));
      clock += afterMs;
      lives.at(-1)?.resolve("exit code 1");
      await next;
    },
  };
}

Deno.test("supervise: what dies comes back, later each time, and it is said", async () => {
  const script = scripted();
  const supervised = await supervise(script.service, script.options);
  for (let death = 0; death < 9; death++) await script.die();
  await supervised.stop();
  deepEqual(script.pauses, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  deepEqual(script.said.slice(0, 3), [
    "thing ended (exit code 1); starting it again in 0.25 s",
    "thing is back",
    "thing ended (exit code 1); starting it again in 0.5 s",
  ]);
});

Deno.test("supervise: a minute of running makes the next restart a quick one", async () => {
  const script = scripted();
  const supervised = await supervise(script.service, script.options);
  await script.die();
  await script.die();
  await script.die(60_000);
  await supervised.stop();
  deepEqual(script.pauses, [250, 500, 250]);
});

Deno.test("supervise: a restart that fails is tried again", async () => {
  const script = scripted([2, 3]);
  const supervised = await supervise(script.service, script.options);
  await script.die();
  await supervised.stop();
  deepEqual(script.pauses, [250, 500, 1000]);
  equal(script.said[1], "thing ended (start 2 failed); starting it again in 0.5 s");
});

Deno.test("supervise: what never ran is not restarted", async () => {
  const script = scripted([1]);
  await rejects(supervise(script.service, script.options), /start 1 failed/);
  equal(script.starts, 1);
});

Deno.test("stop: ends it for good", async () => {
  const script = scripted();
  const supervised = await supervise(script.service, script.options);
  await supervised.stop();
  equal(script.starts, 1);
  deepEqual(script.pauses, []);
});

Deno.test("stop: does not wait for a restart's delay", async () => {
  const script = scripted();
  const asleep = Promise.withResolvers<void>();
  const supervised = await supervise(script.service, {
    ...script.options,
    pause: (_, signal) => {
      asleep.resolve();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  });
  void script.die();
  await asleep.promise;
  await supervised.stop();
  equal(script.starts, 1);
});
