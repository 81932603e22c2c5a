/** What a mail says, in the order it says it; rendered as plain text and as HTML alike. */
export type Block =
  | { kind: "text"; text: string }
  /** A link of this server's own, as a button where there are buttons. */
  | { kind: "link"; label: string; url: string }
  /** Facts, a line each. */
  | { kind: "facts"; facts: readonly (readonly [name: string, value: string])[] };

export interface Content {
  /** Says nothing that a user chose: subjects are read in lists, where nothing is quoted. */
  subject: string;
  blocks: readonly Block[];
}

export const text = (text: string): Block => ({ kind: "text", text });
export const link = (label: string, url: string): Block => ({ kind: "link", label, url });
export const facts = (...facts: (readonly [string, string])[]): Block => ({ kind: "facts", facts });

/**
 * Makes what a user chose harmless inside a mail: one line, without control, format or direction characters, of
 * a bounded length, and nothing that a mail program would turn into a link of somebody else's.
 */
export function quoted(value: string): string {
  const plain = value.toWellFormed().normalize("NFC")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/[\p{Cf}\p{Co}\p{Cn}]/gu, "")
    .trim();
  const cut = [...plain].length > 100 ? `${[...plain].slice(0, 100).join("")}…` : plain;
  // A zero-width space ends what looks like the beginning of an address.
  return cut.replace(/([.:/@\\])(?=\S)/g, "$1\u200B");
}

const special: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escape = (value: string) => value.replace(/[&<>"']/g, (char) => special[char] ?? "");

export function asText({ blocks }: Content): string {
  return blocks.map((block) => {
    switch (block.kind) {
      case "text":
        return `${block.text}\n`;
      case "link":
        return `${block.label}:\n${block.url}\n`;
      case "facts":
        return block.facts.map(([name, value]) => `${name}: ${value}\n`).join("");
    }
  }).join("\n");
}

/** No picture, no style sheet, no script: nothing is fetched when the mail is opened. */
export function asHtml({ subject, blocks }: Content, locale: string): string {
  const inner = blocks.map((block) => {
    switch (block.kind) {
      case "text":
        return `<p>${escape(block.text)}</p>`;
      case "link": {
        const url = escape(block.url);
        return `<p><a href="${url}" style="display:inline-block;padding:10px 16px;background:#1d4ed8;` +
          `color:#ffffff;border-radius:6px;text-decoration:none">${escape(block.label)}</a></p>` +
          `<p style="font-size:13px;word-break:break-all">${url}</p>`;
      }
      case "facts":
        return `<table role="presentation">${
          block.facts.map(([name, value]) =>
            `<tr><td style="padding-right:16px;color:#555555">${escape(name)}</td><td>${
              escape(value)
            }</td></tr>`
          ).join("")
        }</table>`;
    }
  }).join("\n");
  return `<!doctype html>
<html lang="${escape(locale)}" dir="ltr">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light"><title>${escape(subject)}</title></head>
<body style="font-family:sans-serif;line-height:1.5;color:#111111;background:#ffffff;padding:8px;max-width:36em">
${inner}
</body>
</html>
`;
}
