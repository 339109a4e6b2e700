import { readdirSync } from "node:fs";
import eslint from "@eslint/js";
import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";

const where = 'see "Where does my line go?" in the README.';

/** Which folders a folder may import from; the README's layout table says the same. */
const arrows = {
  contracts: [],
  domain: ["contracts"],
  broker: ["contracts", "domain"],
  store: ["contracts", "domain", "broker"],
  outbox: ["contracts", "domain", "broker", "store"],
  edge: ["contracts", "domain", "broker"],
  mixins: ["contracts", "domain", "broker", "store", "outbox", "edge"],
  services: ["contracts", "domain", "broker", "store", "outbox", "edge", "mixins"],
  client: ["contracts"],
  web: ["contracts", "client"],
  bin: ["contracts", "domain", "broker", "store", "outbox", "edge", "mixins", "services", "client"],
};
const folders = [...Object.keys(arrows), "test", "bench"];
const environment = {
  group: ["process", "node:process"],
  message: "broker/env.ts reads the environment, nothing else does.",
};
const dynamic = {
  selector: "ImportExpression",
  message: `Import at the top, where the arrows between folders are checked: ${where}`,
};

const forbidden = (folder, allowed) => [
  environment,
  ...[...folders, "moleculer.config.ts"]
    .filter((other) => other !== folder && !allowed.includes(other))
    .map((other) => ({
      group: other.endsWith(".ts") ? [`**/${other}`] : [`**/${other}/*`],
      message: `${folder}/ does not import ${other}: ${where}`,
    })),
];

const arrow = ([folder, allowed]) => ({
  files: [`${folder}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": ["error", { patterns: forbidden(folder, allowed) }],
    "no-restricted-syntax": folder === "bin" ? "off" : ["error", dynamic],
  },
});

const services = readdirSync("services")
  .filter((file) => file.endsWith(".service.ts"))
  .map((file) => file.slice(0, -".service.ts".length));

/** A service knows its own folder and no other's: it calls the others through the broker. */
const ownFolder = (service) => ({
  files: [`services/${service}.service.ts`, `services/${service}/**/*.ts`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          ...forbidden("services", arrows.services),
          {
            group: [
              "*.service.ts",
              ...services
                .filter((other) => other !== service)
                .flatMap((other) => [`./${other}/*`, `../${other}/*`]),
            ],
            message: `A service calls another through the broker: ${where}`,
          },
        ],
      },
    ],
  },
});

/** The rules decide from what they are given: no I/O, no clock, no chance. */
const pure = {
  files: ["domain/**/*.ts", "contracts/**/*.ts", "edge/policy/**/*.ts"],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          ...forbidden("domain", arrows.domain),
          // node:net only to read addresses: isIP() and the like are pure.
          {
            group: ["node:*", "!node:net", "moleculer*"],
            message: `The rules in domain/ need no I/O: ${where}`,
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
        message: `The rules are given the time, the chance and the settings: ${where}`,
      })),
    ],
    "no-restricted-syntax": [
      "error",
      dynamic,
      {
        selector: "NewExpression[callee.name='Date'][arguments.length=0]",
        message: `The rules are given the time: ${where}`,
      },
    ],
  },
};

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
    files: ["broker/env.ts", "bin/**", "test/**", "bench/**"],
    rules: { "no-restricted-properties": "off" },
  },
  ...Object.entries(arrows).map(arrow),
  pure,
  {
    files: ["contracts/**/*.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: forbidden("contracts", []) }] },
  },
  ...services.map(ownFolder),
  prettier,
);
