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

/** A text as a QR code in SVG, on white whatever the page behind it. */
export function qrSvg(text: string): string {
  const svg = encodeQR(text, "svg", { ecc: "medium", border });
  return svg.replace("<path", '<rect width="100%" height="100%" fill="#fff"/><path');
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
