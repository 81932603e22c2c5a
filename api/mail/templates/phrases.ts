import type { TemplateData, TemplateName } from "../letter.ts";
import type { Content } from "./blocks.ts";

/** Every template in one language: none can be missing. */
export type Phrases = { [T in TemplateName]: (data: TemplateData<T>) => Content };
