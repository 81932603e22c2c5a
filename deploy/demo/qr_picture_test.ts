import { equal, throws } from "node:assert/strict";
import encodeQr from "qr";
import { qrSvg } from "../../api/features/peers/qr_code.ts";
import { svgToPbm } from "./qr_picture.ts";

Deno.test("svgToPbm: draws the very modules of the code", () => {
  for (const text of ["a", "[Interface]\nPrivateKey = x\n".repeat(10)]) {
    const modules = encodeQr(text, "raw", { ecc: "medium", border: 4 });
    const rows = modules.map((row) => row.map((dark) => dark ? "1" : "0").join(" "));
    const side = modules.length;
    equal(svgToPbm(qrSvg(text), 1), `P1\n${side} ${side}\n${rows.join("\n")}\n`);
  }
});

Deno.test("svgToPbm: refuses what is no QR code", () => {
  throws(() => svgToPbm("<svg></svg>"), /no QR code/);
});
