/** Tells the story: one line a step with the time it took, or one JSON object a line. */
export interface Steps {
  /** Does one step; when it throws, the line says so and the error goes on. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>;
  /** The last words. */
  end(answer: { status: number; body: unknown; url: string }): void;
}

/** A step did not show what it was to show. */
export class DemoError extends Error {
  override name = "DemoError";
}

/** @throws {DemoError} unless it is so */
export function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new DemoError(otherwise);
}

export interface StepsOptions {
  json: boolean;
  write: (line: string) => void;
  now?: () => number;
}

export function createSteps({ json, write, now = () => performance.now() }: StepsOptions): Steps {
  const began = now();
  let count = 0;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1).padStart(5)} s`;
  return {
    async step(title, work) {
      count++;
      const started = now();
      const notes: string[] = [];
      const tell = (ok: boolean) => {
        const ms = Math.round(now() - started);
        if (json) write(JSON.stringify({ step: count, title, ok, ms, notes }));
        else {write(
            `${seconds(ms)}  ${ok ? "ok  " : "FAIL"}  ${title}${notes.map(indent).join("")}`,
          );}
      };
      try {
        const result = await work((text) => notes.push(text));
        tell(true);
        return result;
      } catch (error) {
        notes.push(error instanceof Error ? error.message : String(error));
        tell(false);
        throw error;
      }
    },
    end({ status, body, url }) {
      const ms = Math.round(now() - began);
      if (json) write(JSON.stringify({ title: "done", ok: true, ms, url, status, answer: body }));
      else {
        write(`${seconds(ms)}  in all; what came through the tunnel from ${url}:`);
        write(`${status} ${JSON.stringify(body)}`);
      }
    },
  };
}

function indent(note: string): string {
  return note.split("\n").map((line) => `\n               ${line}`).join("");
}
