/** Spreadsheets take a cell that begins so for a formula, and run it (OWASP, CSV injection). */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * A line of RFC 4180, with its line end. A text that a spreadsheet would run as a formula gets an apostrophe in
 * front; a number is never changed.
 */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return text !== value || /[",\r\n]/.test(text) || text.trim() !== text
    ? `"${text.replaceAll('"', '""')}"`
    : text;
}
