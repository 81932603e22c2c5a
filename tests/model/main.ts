import { parseArgs } from "node:util";
import { say } from "../run.ts";
import { runModel } from "./run.ts";

/** `deno task test:model [--steps=N] [--seed=N [--path=P]]` */
const { values } = parseArgs({
  options: { steps: { type: "string" }, seed: { type: "string" }, path: { type: "string" } },
});
const number = (name: "steps" | "seed", text: string) => {
  if (!/^-?\d{1,15}$/.test(text)) throw new TypeError(`--${name} must be a whole number`);
  return Number(text);
};
const started = performance.now();
const { steps, runs, seed } = await runModel({
  steps: number("steps", values.steps ?? "3000"),
  ...(values.seed === undefined ? {} : { seed: number("seed", values.seed) }),
  ...(values.path === undefined ? {} : { path: values.path }),
});
const seconds = Math.round((performance.now() - started) / 1000);
say(
  `the stack and the model agree after each of ${steps} steps in ${runs} runs, ${seconds} s, seed ${seed}`,
);
Deno.exit(0);
