import type { Page } from "playwright-core";

/** Below it a text is hard to read (WCAG 2.2, 1.4.3). */
export const leastContrast = 4.5;

/** How far two colours stand apart, from 1 to 21, as WCAG 2.2 reckons it; each `#rrggbb` or `rgb(r, g, b)`. */
export function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const numbers = colour.startsWith("#")
    ? (colour.match(/[0-9a-f]{2}/gi) ?? []).map((part) => parseInt(part, 16))
    : (colour.match(/[\d.]+/g) ?? []).map(Number);
  const [red = 0, green = 0, blue = 0] = numbers.map((number) => {
    const part = number / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Every text of a page, what is hidden included, that hardly stands out from what is behind it. */
export async function faintTexts(page: Page): Promise<string[]> {
  const texts: [string, string, string][] = await page.evaluate(`(() => {
    for (const each of document.querySelectorAll("[hidden]")) each.hidden = false;
    const behind = (element) => {
      const { backgroundColor } = getComputedStyle(element);
      const isClear = backgroundColor === "rgba(0, 0, 0, 0)";
      return isClear && element.parentElement ? behind(element.parentElement) : backgroundColor;
    };
    const hasText = (element) => element.matches("input, textarea") ||
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "");
    return [...document.body.querySelectorAll("*")]
      .filter((element) => element.getClientRects().length > 0 && hasText(element))
      .map((element) => [
        element.id || element.textContent.trim(), getComputedStyle(element).color, behind(element),
      ]);
  })()`);
  if (texts.length === 0) throw new Error("a page without a text");
  return texts.filter(([, own, under]) => contrast(own, under) < leastContrast)
    .map((parts) => parts.join(", "));
}
