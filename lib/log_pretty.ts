const colours: Record<string, number> = { debug: 90, info: 32, warn: 33, error: 31, critical: 35 };

/** A line for people: time of day, level, message, and the fields as `name=value`. */
export function prettyLine(line: Record<string, unknown>): string {
  const { time, level, message, service: _, ...fields } = line;
  const colour = colours[String(level)] ?? 0;
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `\x1b[90m${plain(name)}=\x1b[0m${plain(value)}`);
  const head = `\x1b[90m${String(time).slice(11, 23)}\x1b[0m \x1b[${colour}m${
    plain(level).padEnd(8)
  }\x1b[0m ${plain(message)}`;
  return [head, ...pairs].join(" ");
}

/** What others chose must not move the cursor, change colours, or look like a line of its own. */
function plain(value: unknown): string {
  let text: string;
  try {
    text = typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  } catch {
    text = "[unprintable]";
  }
  const short = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return short.replace(/[\p{C}\u2028\u2029]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}
