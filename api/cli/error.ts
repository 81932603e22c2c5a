/** Something to tell the caller in one sentence. */
export class CliError extends Error {
  override name = "CliError";
  constructor(message: string, readonly exitCode: 1 | 2 = 1) {
    super(message);
  }
}
