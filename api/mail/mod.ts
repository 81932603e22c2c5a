export { demandAllowance, mailAllowance, queueAlert, tenantAllowance } from "./allowance.ts";
export { type Letter, letterRow, type Locale, locales, type TemplateName } from "./letter.ts";
export { pageLink } from "./links.ts";
export { createPostman, type Postman } from "./postman.ts";
export { queueMail, withdrawMail } from "./queue_mail.ts";
export { fileTransport, smtpTransport, type Transport } from "./transport.ts";
export { whenAndWhere } from "./when_and_where.ts";
