/**
 * Where a spreadsheet begins a cell and would run it as a formula (OWASP, CSV injection): at the beginning, and within
 * a text behind what another locale parts cells by, as French does at `;`, whatever quotes and blanks come first.
 */
const formula = /(?<=^|[;\t\r\n])(?=[" ]*[=+\-@＝＋－＠])|^(?=[\t\r\n])/g;

/**
 * A line of RFC 4180, with its line end. A text that a spreadsheet would run as a formula gets an apostrophe in
 * front of that; a number is never changed.
 */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = value.replaceAll(formula, "'");
  return text !== value || /[",\r\n]/.test(text) || text.trim() !== text
    ? `"${text.replaceAll('"', '""')}"`
    : text;
}
