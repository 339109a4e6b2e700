import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, matchesGlob, relative, resolve } from "node:path";
import { parse } from "yaml";
import { paths, Topology } from "../../broker/amqp/topology.ts";
import { environment } from "../../broker/env/schema.ts";
import { readEnv } from "../../broker/env/read.ts";
import { serviceNames, services } from "../../contracts/actions.ts";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { newPushKey, publicPushKey } from "../../broker/push-keys.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const withoutComments = (text: string) => text.replace(/^\s*#.*$/gm, "");

interface Service {
  build?: string;
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  env_file?: unknown;
  user?: string;
  ports?: string[];
  networks: string[];
  volumes?: string[];
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  network_mode?: string;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

const text = read("docker-compose.yml");
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
};
const containers = Object.entries(compose.services);
const nodes = containers.filter(([, { build }]) => build);
const databases = containers.filter(([, { image }]) => image.startsWith("mongo:"));
const dockerfile = withoutComments(read("Dockerfile"));
const packageJson = JSON.parse(read("package.json")) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
};

/** Each `${NAME…}` of the compose file, with the rest after the name: `:?message`, `:-default` or nothing. */
const variables = [...withoutComments(text).matchAll(/(?<!\$)\$\{(\w+)([^}]*)\}/g)].map(
  ([, name, rest]) => ({ name: name!, rest: rest! }),
);
/** `NAME=value` lines of .env.example, also those that are commented out because another command prints them. */
const example = new Map(
  [...read(".env.example").matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
    name!,
    value!,
  ]),
);

describe("the containers of the services", () => {
  it("exist for each service file, and each runs the command of `npm run service` with its own name", () => {
    const files = readdirSync(join(root, "services")).filter((file) =>
      file.endsWith(".service.ts"),
    );

    expect(nodes.map(([name]) => `${name}.service.ts`).sort()).toEqual(files.sort());
    for (const [name, { command }] of nodes)
      expect(command).toEqual(["bin/launch.sh", "bin/service.ts", name]);
    for (const script of ["start", "service"])
      expect(packageJson.scripts[script]).toBe("exec bin/launch.sh bin/service.ts");
    expect(packageJson.scripts.cluster).toBe("exec bin/launch.sh bin/cluster.ts");
    expect(existsSync(join(root, "bin/service.ts"))).toBe(true);
  });

  it("run Node without a shell or npm as its parent, which would swallow SIGTERM", () => {
    const commands = [...dockerfile.matchAll(/^(?:CMD|ENTRYPOINT)\s+(.*)$/gm)].map(
      ([, command]) => JSON.parse(command!) as string[],
    );

    expect(commands).toEqual([["bin/launch.sh", "bin/service.ts", "api"]]);
    expect(read("bin/launch.sh").trim().split("\n").at(-1)).toMatch(
      /^exec env MALLOC_ARENA_MAX=2 \S+ node --\S+ "\$@"$/,
    );
    expect(statSync(join(root, "bin/launch.sh")).mode & 0o111).toBe(0o111);
  });

  it("are not run by root", () => {
    const lastStage = dockerfile.slice(dockerfile.lastIndexOf("FROM "));
    const user = /^USER\s+(\S+)$/m.exec(lastStage)?.[1];

    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    for (const [, { user: own }] of nodes) expect(own).toBeUndefined();
  });

  it("contain every file and package that a service imports", () => {
    const ignored = withoutComments(read(".dockerignore")).split("\n").filter(Boolean);
    const { files, packages } = importedBy([
      "bin/service.ts",
      "moleculer.config.ts",
      ...nodes.map(([name]) => `services/${name}.service.ts`),
    ]);

    const missing = files.filter((file) =>
      ignored.some((pattern) => [pattern, `${pattern}/**`].some((glob) => matchesGlob(file, glob))),
    );

    expect(files.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
    expect(packages.filter((name) => !(name in packageJson.dependencies))).toEqual([]);
  });
});

const pair = newKeyPair();
const push = newPushKey();
const secrets: Record<string, string> = {
  AUTH_PRIVATE_JWK: encode(pair.private),
  AUTH_JWKS: encode({ keys: [pair.public] }),
  PUSH_PRIVATE_JWK: encode(push),
  PUSH_PUBLIC_KEY: publicPushKey(push),
  SMTP_URL: "smtps://souk:password@mail.example",
  MAIL_FROM: "Souk <noreply@souk.example>",
};
/** The environment of a service, filled in from .env.example. */
const filledEnvironment = (service: string) =>
  Object.fromEntries(
    Object.entries(compose.services[service]!.environment!).map(([key, value]) => [
      key,
      value.replace(
        /\$\{(\w+)[^}]*\}/g,
        (_, name: string) =>
          secrets[name] ?? (example.get(name) || "d41d8cd98f00b204e9800998ecf8427e"),
      ),
    ]),
  );

describe("the environment of each service", () => {
  it.each(nodes)(
    "of %s, filled in from .env.example, is valid, and sets only variables that Souk reads",
    (name) => {
      const source = filledEnvironment(name);

      expect(() => readEnv({ ...source, SERVICES: name })).not.toThrow();

      expect(Object.keys(source).filter((key) => !(key in environment.properties))).toEqual([]);
    },
  );

  it("sets TRUSTED_PROXIES for the services that limit client addresses", () => {
    expect(
      nodes.filter(([, { environment }]) => environment!.TRUSTED_PROXIES).map(([name]) => name),
    ).toEqual(["api", "notifications"]);
    expect(example.get("TRUSTED_PROXIES")).toBe("1");
  });
});

describe("secrets", () => {
  it("give the private signing key to users only, that of web push to deliveries only, and the public keys to the services that verify tokens", () => {
    const given = (name: string) =>
      containers
        .filter(([, service]) => JSON.stringify(service).includes(name))
        .map(([service]) => service);

    expect(given("AUTH_PRIVATE_JWK")).toEqual(["users"]);
    expect(given("PUSH_PRIVATE_JWK")).toEqual(["deliveries"]);
    expect(given("PUSH_PUBLIC_KEY")).toEqual(["api"]);
    expect(given("AUTH_JWKS")).toEqual(["api", "notifications", "users", "deliveries"]);
    // An env file would give a container every secret.
    expect(containers.filter(([, { env_file: file }]) => file)).toEqual([]);
  });

  it("are in no file: Compose refuses to start without one, and names it", () => {
    const optional = new Set(
      variables.filter(({ rest }) => !rest.startsWith(":?")).map(({ name }) => name),
    );

    expect([...optional].sort()).toEqual([
      "EDGE_LISTEN",
      "MAIL_FROM",
      "PUBLIC_URL",
      "SMTP_URL",
      "TRUSTED_PROXIES",
    ]);
    for (const { name, rest } of variables)
      expect({ name, rest }).toEqual({ name, rest: expect.stringMatching(/^:(\?.{10,}|-.*)$/) });
    for (const [name, value] of example)
      if (/PASSWORD|AUTH|PUSH/.test(name)) expect({ name, value }).toEqual({ name, value: "" });
  });

  it("and all other variables are documented in .env.example, which has no unused ones", () => {
    expect([...example.keys()].sort()).toEqual(
      [...new Set(variables.map(({ name }) => name))].sort(),
    );
    for (const { name, rest } of variables.filter(({ rest: it }) => it.startsWith(":-")))
      expect({ name, value: example.get(name) }).toEqual({ name, value: rest.slice(2) });
  });

  it("differ between services, and no service has an operator's account", () => {
    const given = nodes.map(
      ([name, { environment }]) =>
        [
          name,
          JSON.stringify(environment)
            .match(/\w+_PASSWORD/g)!
            .sort(),
        ] as const,
    );

    const own = (name: string) => [
      ...(databases.some(([it]) => it === `${name}-db`)
        ? [`${name.toUpperCase()}_MONGO_PASSWORD`]
        : []),
      `${name.toUpperCase()}_RABBITMQ_PASSWORD`,
    ];
    for (const [name, passwords] of given)
      expect({ name, passwords }).toEqual({ name, passwords: own(name) });
  });
});

describe("the accounts", () => {
  it("of RabbitMQ are one per service, which may use the exchanges of Souk and its own queues", () => {
    const { environment, volumes } = compose.services.rabbitmq!;
    const lines = withoutComments(read("deploy/rabbitmq.conf")).split("\n").filter(Boolean);

    expect(volumes).toContain("./deploy/rabbitmq.conf:/etc/rabbitmq/conf.d/20-souk.conf:ro");
    expect(lines).toEqual(
      [...serviceNames].sort().flatMap((name) => {
        const password = `${name.toUpperCase()}_RABBITMQ_PASSWORD`;
        expect(environment![password]).toContain(`\${${password}:?`);
        expect(compose.services[name]!.environment!.AMQP_URL).toMatch(`//${name}:\${${password}:?`);
        const rights = ["configure", "write", "read"].map(
          (right) => `${right} = ^MOL\\.2\\.(requests|packets|broadcasts|${name}-.+)$`,
        );
        return ["vhost_pattern = ^/$", `password = $(${password})`, ...rights].map(
          (line) => `default_users.${name}.${line}`,
        );
      }),
    );
  });

  it("cover the names that a node uses, and its id begins with the name of its service", () => {
    for (const name of serviceNames) {
      const { nodeId } = readEnv({ SERVICES: name, ...filledEnvironment(name) });
      const topology = new Topology("MOL", nodeId);
      const right = new RegExp(
        read("deploy/rabbitmq.conf").match(
          new RegExp(`^default_users.${name}.write = (.+)$`, "m"),
        )![1]!,
      );
      for (const used of [
        ...paths.map((it) => topology.exchange(it)),
        ...Object.values(topology.newQueues()),
      ])
        expect(used).toMatch(right);
    }
  });

  it("of MongoDB are one per server for its service, made once, and one for the operator", () => {
    expect(databases.map(([name]) => name).sort()).toEqual(
      services.map((name) => `${name}-db`).sort(),
    );
    for (const [container, { environment, volumes }] of databases) {
      const name = container.replace(/-db$/, "");
      const url = compose.services[name]!.environment![`${name.toUpperCase()}_MONGO_URL`];
      expect(environment).toMatchObject({
        MONGO_INITDB_ROOT_USERNAME: "root",
        SOUK_DATABASE: `souk-${name}`,
      });
      expect(url).toBe(
        `mongodb://souk:${environment!.SOUK_PASSWORD}@${container}:27017/souk-${name}?authSource=admin`,
      );
      expect(volumes).toContain("./deploy/mongo-user.js:/docker-entrypoint-initdb.d/souk.js:ro");
    }
  });
});

describe("health", () => {
  it("of every container is checked", () => {
    expect(
      containers.filter(([, { healthcheck }]) => !healthcheck?.test?.length).map(([name]) => name),
    ).toEqual([]);
  });

  it("of a service is `live`; nothing waits for `ready`, so an outage does not spread", () => {
    for (const [, { healthcheck }] of nodes)
      expect(healthcheck!.test.join(" ")).toContain("/health/live");
    for (const file of ["docker-compose.yml", "Dockerfile", "deploy/nginx.conf"])
      expect(withoutComments(read(file))).not.toContain("ready");
    for (const [, { depends_on: waits }] of containers)
      for (const { condition } of Object.values(waits ?? {}))
        expect(condition).toBe("service_started");
  });
});

describe("every container", () => {
  it.each(containers)(
    "%s restarts after a crash, is not run by root, can write only its data, and has limits",
    (_, container) => {
      expect(container.restart).toBe("unless-stopped");
      if (!container.build) expect(container.user).toMatch(/^(?!root|0)\w+$/);
      expect(container.read_only).toBe(true);
      expect(container.cap_drop).toEqual(["ALL"]);
      expect(container.security_opt).toEqual(["no-new-privileges:true"]);
      expect(container).toMatchObject({ pids_limit: 512, mem_limit: "768m", cpus: 2 });
    },
  );
});

describe("the network", () => {
  const on = (network: string) =>
    containers.filter(([, { networks }]) => networks.includes(network)).map(([name]) => name);

  it("publishes one port, the edge's, on this machine only unless .env says otherwise", () => {
    expect(
      containers.filter(([, { ports, network_mode: mode }]) => ports || mode).map(([name]) => name),
    ).toEqual(["edge"]);
    expect(compose.services.edge!.ports).toEqual(["${EDGE_LISTEN:-127.0.0.1:8080}:8080"]);
  });

  it("connects only the edge and deliveries to the outside, by a network each", () => {
    const outward = Object.entries(compose.networks).filter(([, network]) => !network?.internal);

    expect(outward.map(([name]) => name)).toEqual(["public", "outward"]);
    expect(on("public")).toEqual(["edge"]);
    expect(on("outward")).toEqual(["deliveries"]);
  });

  it.each(databases)("connects %s to its own service only", (name, { networks }) => {
    expect(networks).toHaveLength(1);
    expect(on(networks[0]!).sort()).toEqual([name.replace(/-db$/, ""), name].sort());
  });

  it("has one network for metrics, internal, of the services only, which serve them and publish no port", () => {
    expect(compose.networks.metrics).toEqual({ internal: true });
    expect(on("metrics").sort()).toEqual([...serviceNames].sort());
    for (const name of serviceNames) {
      const { metricsPort, metricsHost } = readEnv({ SERVICES: name, ...filledEnvironment(name) });
      expect([metricsPort, metricsHost]).toEqual([9464, "0.0.0.0"]);
    }
    // The edge forwards only to the ports of users.
    expect(withoutComments(read("deploy/nginx.conf"))).not.toMatch(/9464|metrics/);
  });

  it("does not connect the edge to the broker", () => {
    expect(on("broker").sort()).toEqual([...serviceNames, "rabbitmq"].sort());
  });
});

/** Every file of ours and every package that these files import, directly or not; imports of types do not count. */
function importedBy(entries: string[]): { files: string[]; packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, name] of read(file).matchAll(
      /^(?!\s*(?:import|export) type)[^\n/]*?\b(?:from|import)\s*\(?\s*"([^"\n]+)"/gm,
    )) {
      if (name!.startsWith(".")) visit(relative(root, resolve(root, dirname(file), name!)));
      else if (!name!.startsWith("node:") && !builtinModules.includes(name!))
        packages.add(/^(@[^/]+\/)?[^/]+/.exec(name!)![0]);
    }
  };
  entries.forEach(visit);
  return { files: [...files], packages: [...packages] };
}
