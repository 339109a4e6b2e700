/** The part of Swagger UI that this page uses. Its script defines a global and has no types. */
declare function SwaggerUIBundle(options: {
  domNode: Element;
  spec: object;
  onComplete(): void;
  validatorUrl: null;
  supportedSubmitMethods: string[];
  syntaxHighlight: boolean;
  docExpansion: "list";
  defaultModelRendering: "model";
  defaultModelExpandDepth: number;
  defaultModelsExpandDepth: number;
}): void;
