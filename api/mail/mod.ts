export { type Letter, type Locale, locales, type TemplateName } from "./letter.ts";
export { pageLink } from "./links.ts";
export { queueMail } from "./queue_mail.ts";
