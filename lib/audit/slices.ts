/** Bytes of details that are worked on in one go: some milliseconds. */
const sliceBytes = 256 * 1024;

/**
 * The rows in parts of a bounded size. Between two of them others get their turn: a batch is a number of rows, and
 * an entry can be a thousand times as long as another.
 */
export async function* inSlices<T>(
  rows: readonly T[],
  lengthOf: (row: T) => number,
): AsyncGenerator<T[]> {
  let slice: T[] = [];
  let size = 0;
  for (const row of rows) {
    const length = lengthOf(row);
    if (slice.length > 0 && size + length > sliceBytes) {
      yield slice;
      await new Promise((resume) => setTimeout(resume, 0));
      slice = [];
      size = 0;
    }
    slice.push(row);
    size += length;
  }
  if (slice.length > 0) yield slice;
}
