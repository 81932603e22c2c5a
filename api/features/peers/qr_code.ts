import { Buffer } from "node:buffer";
import { PNG } from "pngjs";
import encodeQR from "qr";

/** Light modules around the code that scanners need (ISO/IEC 18004: four). */
const border = 4;
const pixelsPerModule = 6;

/** Bytes in the largest code of medium correction (ISO/IEC 18004: version 40-M in byte mode). */
const capacity = 2331;

/** False for a text that no QR code holds. */
export function fitsQr(text: string): boolean {
  return new TextEncoder().encode(text).length <= capacity;
}

const lengths = Array.from({ length: 200 }, (_, length) => length);
const line = lengths.map((length) => `h${length}`);
const gap = lengths.map((length) => `m${length} 0`);

/**
 * A text as a QR code in SVG, on white whatever the page behind it: of each row its dark modules as strokes. The
 * package's own drawing takes longer than making the code.
 */
export function qrSvg(text: string): string {
  const modules = encodeQR(text, "raw", { ecc: "medium", border });
  const side = modules.length;
  let path = "";
  for (const [y, row] of modules.entries()) {
    path += `M0 ${y}.5`;
    let from = 0;
    for (let x = row.indexOf(true); x >= 0; x = row.indexOf(true, from)) {
      const end = row.indexOf(false, x);
      path += gap[x - from] ?? "";
      path += line[end - x] ?? "";
      from = end;
    }
  }
  return `<svg viewBox="0 0 ${side} ${side}" xmlns="http://www.w3.org/2000/svg">` +
    `<rect width="100%" height="100%" fill="#fff"/>` +
    `<path stroke="#000" shape-rendering="crispEdges" d="${path}"/></svg>`;
}

/** The same code as PNG, black on white. */
export function qrPng(text: string): Uint8Array<ArrayBuffer> {
  const modules = encodeQR(text, "raw", { ecc: "medium", border });
  const side = modules.length * pixelsPerModule;
  const png = new PNG({
    width: side,
    height: side,
    colorType: 0,
    inputColorType: 0,
    bitDepth: 8,
    inputHasAlpha: false,
  });
  png.data = Buffer.alloc(side * side, 255);
  modules.forEach((row, y) =>
    row.forEach((dark, x) => {
      if (!dark) return;
      for (let dy = 0; dy < pixelsPerModule; dy++) {
        const start = (y * pixelsPerModule + dy) * side + x * pixelsPerModule;
        png.data.fill(0, start, start + pixelsPerModule);
      }
    })
  );
  return new Uint8Array(
    PNG.sync.write(png, { colorType: 0, inputColorType: 0, inputHasAlpha: false }),
  );
}
