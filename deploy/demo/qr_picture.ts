/**
 * The modules of a QR code in the SVG that the API answers, as a plain PBM picture (netpbm's P1), which
 * `zbarimg` reads without knowing SVG. The path begins each row with `M0 y.5`, goes over light modules by
 * `mN 0` and draws dark ones by `hN`.
 */
export function svgToPbm(svg: string, pixels = 4): string {
  const side = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const path = /<path [^>]*d="([^"]*)"/.exec(svg)?.[1];
  if (!Number.isInteger(side) || path === undefined) throw new Error("this SVG is no QR code");
  const dark = new Set<number>();
  let [x, y] = [0, 0];
  for (const [, row, light, length] of path.matchAll(/M0 (\d+)\.5|m(\d+) 0|h(\d+)/g)) {
    if (row !== undefined) [x, y] = [0, Number(row)];
    x += Number(light ?? 0);
    for (const end = x + Number(length ?? 0); x < end; x++) dark.add(y * side + x);
  }
  const rows: string[] = [];
  for (let row = 0; row < side * pixels; row++) {
    const bits = Array.from(
      { length: side * pixels },
      (_, column) =>
        dark.has(Math.floor(row / pixels) * side + Math.floor(column / pixels)) ? "1" : "0",
    );
    rows.push(bits.join(" "));
  }
  return `P1\n${side * pixels} ${side * pixels}\n${rows.join("\n")}\n`;
}
