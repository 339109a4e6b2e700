import { readdirSync } from "node:fs";
import eslint from "@eslint/js";
import prettier from "eslint-config-prettier";
import regexp from "eslint-plugin-regexp";
import tseslint from "typescript-eslint";

/** Where the README explains the folders and the direction of imports. */
const where = 'see "Where does my line go?" in the README.';

/** The folders that each folder may import from, as in the README's table. */
const mayImport = {
  contracts: [],
  domain: ["contracts"],
  broker: ["contracts", "domain"],
  store: ["contracts", "domain", "broker"],
  outbox: ["contracts", "domain", "broker", "store"],
  edge: ["contracts", "domain", "broker"],
  outgoing: [],
  mixins: ["contracts", "domain", "broker", "store", "outbox", "edge"],
  services: ["contracts", "domain", "broker", "store", "outbox", "edge", "outgoing", "mixins"],
  client: ["contracts"],
  web: ["contracts", "client"],
  bin: [
    ...["contracts", "domain", "broker", "store", "outbox", "edge", "outgoing", "mixins"],
    ...["services", "client"],
  ],
};
const folders = [...Object.keys(mayImport), "test", "bench"];
const environment = {
  group: ["process", "node:process"],
  message: "In the services only broker/env.ts reads environment variables.",
};
const dynamic = {
  selector: "ImportExpression",
  message: `Write imports at the top of the file, where their direction is checked: ${where}`,
};

const forbidden = (folder, allowed) => [
  environment,
  ...[...folders, "moleculer.config.ts"]
    .filter((other) => other !== folder && !allowed.includes(other))
    .map((other) => ({
      group: other.endsWith(".ts") ? [`**/${other}`] : [`**/${other}/*`],
      message: `${folder}/ must not import from ${other}: ${where}`,
    })),
];

const directionOf = ([folder, allowed]) => ({
  files: [`${folder}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": ["error", { patterns: forbidden(folder, allowed) }],
    "no-restricted-syntax": folder === "bin" ? "off" : ["error", dynamic],
  },
});

const services = readdirSync("services")
  .filter((file) => file.endsWith(".service.ts"))
  .map((file) => file.slice(0, -".service.ts".length));

/** A service imports from its own folder, and calls other services through the broker. */
const ownFolder = (service) => ({
  files: [`services/${service}.service.ts`, `services/${service}/**/*.ts`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          ...forbidden("services", mayImport.services),
          {
            group: [
              "*.service.ts",
              ...services
                .filter((other) => other !== service)
                .flatMap((other) => [`./${other}/*`, `../${other}/*`]),
            ],
            message: `Call another service through the broker: ${where}`,
          },
        ],
      },
    ],
  },
});

/** Pure functions: no I/O, no clock, no random numbers. */
const pure = {
  files: ["domain/**/*.ts", "contracts/**/*.ts", "edge/policy/**/*.ts"],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          ...forbidden("domain", mayImport.domain),
          // node:net only for isIP(), node:url only for domainToASCII(), which are pure.
          {
            group: ["node:*", "!node:net", "!node:url", "moleculer*"],
            message: `This folder holds pure functions without I/O: ${where}`,
          },
        ],
      },
    ],
    "no-restricted-properties": [
      "error",
      ...[
        ["Date", "now"],
        ["Math", "random"],
        ["process", "env"],
      ].map(([object, property]) => ({
        object,
        property,
        message: `Pass the time, random numbers and settings as arguments: ${where}`,
      })),
    ],
    "no-restricted-syntax": [
      "error",
      dynamic,
      {
        selector: "NewExpression[callee.name='Date'][arguments.length=0]",
        message: `Pass the time as an argument: ${where}`,
      },
    ],
  },
};

/** Input of n characters must not cost n² steps. JSON Schema patterns are checked by test/unit/patterns.test.ts. */
const linear = {
  files: [`{${Object.keys(mayImport).join(",")}}/**/*.{ts,tsx}`],
  plugins: { regexp },
  rules: {
    "regexp/no-super-linear-backtracking": ["error", { report: "potential" }],
    "regexp/no-super-linear-move": ["error", { report: "potential", ignorePartial: false }],
  },
};
/** The page's texts are in web/src/texts, in each language. */
const texts = [
  "JSXText[value=/\\p{L}/u]",
  "JSXAttribute[name.name=/^(label|title|hint|alt|placeholder|emptyText|submitLabel|fallback|aria-(label|description|roledescription|valuetext))$/] > Literal[value=/\\p{L}/u]",
  // A capital letter before small ones, or the end of a sentence. Errors are for developers.
  ...["Literal[value", "TemplateElement[value.raw"].map(
    (node) =>
      `${node}=/^[\\s“„(]*\\p{Lu}\\p{Ll}+([ ,.:…]|$)|\\s.*\\p{L}[.…!?]$/u]:not(NewExpression *):not(CallExpression[callee.type='Super'] > *):not(BinaryExpression > *)`,
  ),
].map((selector) => ({
  selector,
  message: "Texts of the page are in web/src/texts/en.ts, and in every other language there.",
}));
const prices = {
  selector: 'ImportDeclaration[importKind!="type"][source.value=/client.money/]',
  message: "Import prices from web/src/prices.ts: they are in the page's language.",
};
const page = [
  {
    files: ["web/src/**/*.{ts,tsx}"],
    // Proper names are the same in every language.
    ignores: ["web/src/texts/**", "web/src/names.ts", "web/src/worker/market.ts"],
    rules: { "no-restricted-syntax": ["error", dynamic, prices, ...texts] },
  },
  {
    files: ["web/src/prices.ts"],
    rules: { "no-restricted-syntax": ["error", dynamic, ...texts] },
  },
  // A language is one file, however many texts there are.
  {
    files: ["web/src/texts/*.ts"],
    rules: { "max-lines": "off", "max-lines-per-function": "off" },
  },
  // The build reads the languages that there are.
  { files: ["web/vite.config.ts"], rules: { "no-restricted-syntax": "off" } },
];

const counted = { skipBlankLines: true, skipComments: true };
const maxLines = (files, max) => ({
  files,
  rules: { "max-lines": ["error", { max, ...counted }] },
});

/** Sizes of production code, in lines without comments and blank lines. */
const sizes = [
  {
    files: [`{${Object.keys(mayImport).join(",")}}/**/*.{ts,tsx}`],
    rules: { "max-lines-per-function": ["error", { max: 40, ...counted }] },
  },
  maxLines([`{${Object.keys(mayImport).join(",")}}/**/*.{ts,tsx}`], 200),
  maxLines(["services/*.service.ts"], 150),
  // Exceptions: a mixin with options is one function that returns a schema of many small ones.
  ...[
    ["mixins/outbox.ts", 80],
    ["mixins/sockets.ts", 140],
  ].map(([file, max]) => ({
    files: [file],
    rules: { "max-lines-per-function": ["error", { max, ...counted }] },
  })),
];

export default tseslint.config(
  { ignores: ["node_modules/", "data/", "coverage/", "**/dist/"] },
  eslint.configs.recommended,
  ...tseslint.configs.strict,
  {
    languageOptions: { globals: { process: "readonly", console: "readonly" } },
    rules: {
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-empty-object-type": "off",
      "no-restricted-properties": [
        "error",
        { object: "process", property: "env", message: environment.message },
      ],
    },
  },
  {
    files: ["broker/env.ts", "bin/**", "deploy/**", "test/**", "bench/**"],
    rules: { "no-restricted-properties": "off" },
  },
  ...Object.entries(mayImport).map(directionOf),
  pure,
  {
    files: ["contracts/**/*.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: forbidden("contracts", []) }] },
  },
  ...services.map(ownFolder),
  linear,
  ...sizes,
  ...page,
  prettier,
);
