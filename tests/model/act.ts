import fc from "fast-check";
import type { Model } from "./model.ts";
import type { World } from "./world.ts";

/** Does something to the world and the same to the model, and leaves it to both to settle. */
export interface Act {
  readonly name: string;
  isPossible(model: Readonly<Model>): boolean;
  perform(model: Model, world: World): Promise<void>;
}

export class Command implements fc.AsyncCommand<Model, World> {
  constructor(readonly act: Act) {}

  check(model: Readonly<Model>): boolean {
    return this.act.isPossible(model);
  }

  async run(model: Model, world: World): Promise<void> {
    await this.act.perform(model, world);
    await world.settle(model);
  }

  toString(): string {
    return this.act.name;
  }
}
