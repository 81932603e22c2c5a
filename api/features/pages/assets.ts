/**
 * What runs in the browser, as text: it is small enough to be read, and served inside the page under its hash.
 * It writes no markup: every word stands in the page already and is shown or not.
 */
export const script = `"use strict";
const page = document.body.dataset.page;
const link = new URLSearchParams(location.hash.slice(1));
const tenant = link.get("tenant");
const token = link.get("token");
const byId = (id) => document.getElementById(id);
const form = byId("form");
const fieldOf = { public_key: "public_key", other: "name" };
let busy = false;

function say(id, faults) {
  for (const each of document.querySelectorAll("[data-say]")) each.hidden = each.id !== id;
  const wrong = id === "mismatch"
    ? ["password", "repeat"]
    : (faults || []).map((fault) => fieldOf[fault] || "password");
  for (const each of form.querySelectorAll("input")) {
    each.setAttribute("aria-invalid", wrong.includes(each.id));
  }
  // Where to go on: the first field that is wrong, or what is said once the form is gone.
  if (form.hidden) byId("said").focus();
  else form.querySelector("[aria-invalid=true]")?.focus();
  for (const each of document.querySelectorAll("[data-fault]")) {
    each.hidden = !(faults || []).includes(each.dataset.fault);
  }
}

function call(path, body) {
  return fetch("/api/v1" + path, {
    method: body ? "POST" : "GET",
    headers: { "X-Tenant-ID": tenant, ...(body ? { "Content-Type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
    credentials: "omit",
    cache: "no-store",
  });
}

function gone() {
  form.hidden = true;
  say("invalid");
}

function request() {
  if (page === "verify") return call("/auth/verify-email", { token });
  const password = byId("password").value;
  if (page === "reset") {
    return call("/password-reset/confirm", { token, new_password: password });
  }
  const name = byId("name").value.trim();
  const own = byId("own").checked;
  return call("/users/invitations/accept", {
    token,
    password,
    locale: document.documentElement.lang,
    ...(name ? { name } : {}),
    ...(own ? { public_key: byId("public_key").value.trim() } : {}),
  });
}

function faultsOf(problem) {
  const known = new Set([...document.querySelectorAll("[data-fault]")].map((e) => e.dataset.fault));
  if (problem.code === "public_key_taken") return ["public_key"];
  return (problem.errors || []).map((error) =>
    error.path === "public_key" ? "public_key" : known.has(error.code) ? error.code : "other"
  );
}

function showTunnel(answer) {
  if (!answer.config) return;
  byId("config").value = answer.config;
  byId("save").href = URL.createObjectURL(new Blob([answer.config], { type: "text/plain" }));
  byId("own_key").hidden = !byId("own").checked;
  if (answer.qr) {
    const bytes = new TextEncoder().encode(answer.qr.svg);
    byId("qr").src = "data:image/svg+xml;base64," + btoa(String.fromCharCode(...bytes));
    byId("scan").hidden = false;
  }
  byId("tunnel").hidden = false;
}

async function submit() {
  if (page !== "verify" && byId("password").value !== byId("repeat").value) return say("mismatch");
  say("working");
  const response = await request();
  const answer = await response.json();
  if (response.ok) {
    history.replaceState(null, "", location.pathname);
    form.hidden = true;
    say("done");
    if (page === "accept") showTunnel(answer);
    return;
  }
  if (response.status === 404) return gone();
  if (response.status === 429) return say("throttled");
  if (response.status === 403) return say("refused");
  const faults = faultsOf(answer);
  say(faults.length > 0 ? "faults" : "failed", faults);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  // Not disabled: that would take the keyboard's place in the page away.
  if (busy) return;
  busy = true;
  try {
    await submit();
  } catch {
    say("failed");
  }
  busy = false;
});

if (page === "accept") {
  for (const id of ["made", "own"]) {
    byId(id).addEventListener("change", () => {
      byId("public_key_row").hidden = !byId("own").checked;
    });
  }
}
form.hidden = false;
if (!tenant || !token) gone();
else if (page === "reset") {
  call("/password-reset/validate/" + encodeURIComponent(token))
    .then((response) => response.status === 404 && gone()).catch(() => {});
}
`;

export const style = `
:root { color-scheme: light dark; }
body { font: 17px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 24px 16px; max-width: 32em; color: #111827; background: #ffffff; }
h1 { font-size: 1.5em; }
label { display: block; margin: 16px 0 4px; }
fieldset { border: 0; margin: 16px 0 0; padding: 0; }
fieldset label { margin: 8px 0; }
input:not([type="radio"]), textarea { box-sizing: border-box; width: 100%; font: inherit; padding: 10px; border: 1px solid #6b7280; border-radius: 6px; }
textarea { font: 13px/1.4 ui-monospace, monospace; height: 14em; }
button, .button { display: inline-block; margin-top: 20px; padding: 12px 20px; font: inherit; color: #ffffff; background: #1d4ed8; border: 0; border-radius: 6px; text-decoration: none; }
:focus-visible { outline: 3px solid #1d4ed8; outline-offset: 2px; }
#said:focus { outline: none; }
#said > :not([hidden]) { margin: 16px 0; padding: 4px 12px; border-left: 4px solid #1d4ed8; }
#faults { list-style: none; }
[aria-invalid="true"] { border: 2px solid #b91c1c !important; }
img { display: block; width: 100%; max-width: 320px; margin: 16px 0; }
[hidden] { display: none !important; }
@media (prefers-color-scheme: dark) {
body { color: #f3f4f6; background: #111827; }
input:not([type="radio"]), textarea { color: inherit; background: #1f2937; border-color: #9ca3af; }
:focus-visible { outline-color: #93c5fd; }
#said > :not([hidden]) { border-color: #93c5fd; }
[aria-invalid="true"] { border-color: #f87171 !important; }
}
`;
