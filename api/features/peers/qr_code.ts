import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";
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

/**
 * The same code as PNG, black on white, one bit a pixel and no row filtered: a library that takes bytes for pixels
 * needs some fifty times as long for a large code, and everything else waits meanwhile.
 */
export function qrPng(text: string): Uint8Array<ArrayBuffer> {
  const modules = encodeQR(text, "raw", { ecc: "medium", border });
  const side = modules.length * pixelsPerModule;
  // Each row begins with the number of its filter, 0.
  const width = 1 + Math.ceil(side / 8);
  const pixels = new Uint8Array(width * side);
  for (const [y, modulesOfRow] of modules.entries()) {
    const row = new Uint8Array(width).fill(255, 1);
    for (const [x, dark] of modulesOfRow.entries()) {
      if (!dark) continue;
      for (let at = x * pixelsPerModule; at < (x + 1) * pixelsPerModule; at++) {
        const byte = 1 + (at >> 3);
        row[byte] = (row[byte] ?? 0) & ~(128 >> (at & 7));
      }
    }
    for (let n = 0; n < pixelsPerModule; n++) pixels.set(row, (y * pixelsPerModule + n) * width);
  }
  const header = new Uint8Array(13);
  const fields = new DataView(header.buffer);
  fields.setUint32(0, side);
  fields.setUint32(4, side);
  // One bit, a grey; compression, filters and interlacing are 0, as PNG has them.
  header[8] = 1;
  return new Uint8Array(Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", new Uint8Array()),
  ]));
}

/** Length, name, data and their checksum (PNG specification, 5.3). */
function chunk(name: string, data: Uint8Array): Uint8Array {
  const named = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(data.length);
  framed.set(named, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}
