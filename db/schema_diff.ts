/**
 * What has to change in `before` to get `after`, line by line: `-` and `+` lines under the nearest line that
 * begins a statement. Empty when the two are the same.
 */
export function diffLines(before: string, after: string): string[] {
  const a = before.split("\n");
  const b = after.split("\n");
  const common = longestCommon(a, b);
  const at = (i: number, j: number) => common[i * (b.length + 1) + j] ?? 0;
  const result: string[] = [];
  let place = "";
  let shown = "";
  const say = (line: string) => {
    if (shown !== place) result.push(`@ ${place}`);
    shown = place;
    result.push(line);
  };
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const old = a[i];
    const fresh = b[j];
    if (old !== undefined && old === fresh) {
      if (/^[a-z]/i.test(old)) place = old;
      i++;
      j++;
    } else if (fresh !== undefined && (old === undefined || at(i, j + 1) >= at(i + 1, j))) {
      say(`+ ${fresh}`);
      j++;
    } else {
      say(`- ${old}`);
      i++;
    }
  }
  return result;
}

/** Length of the longest common subsequence of the tails from (i, j), as rows of b.length + 1. */
function longestCommon(a: string[], b: string[]): Uint16Array {
  const width = b.length + 1;
  const length = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] = a[i] === b[j]
        ? (length[(i + 1) * width + j + 1] ?? 0) + 1
        : Math.max(length[(i + 1) * width + j] ?? 0, length[i * width + j + 1] ?? 0);
    }
  }
  return length;
}
