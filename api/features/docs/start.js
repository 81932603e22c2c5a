// The page's own script: what runs in the browser is JavaScript as it stands here.
globalThis.SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.getElementById("docs"),
  // Asks a server of its makers about the document otherwise.
  validatorUrl: null,
  // A link to this page must not decide what it shows or sends.
  queryConfigEnabled: false,
  // Credentials are gone with the page.
  persistAuthorization: false,
  deepLinking: false,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
});
