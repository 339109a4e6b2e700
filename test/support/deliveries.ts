/** The deliveries service in this process, next to a service with the settings of users, and receivers on loopback. */
import { randomBytes, randomUUID } from "node:crypto";
import http, { type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ServiceBroker, type Service } from "moleculer";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import type { Delivery } from "../../contracts/deliveries.ts";
import type { ActionName, Actions } from "../../contracts/actions.ts";
import type { ParamsOf, ResultOf } from "../../contracts/schema.ts";
import type { DeliveryDocument } from "../../domain/delivery.ts";
import type { Parts } from "../../services/deliveries/parts.ts";
import type { Recipient, Webhook } from "../../services/deliveries/recipient.ts";
import type { Worker } from "../../services/deliveries/worker.ts";
import type { Store } from "../../store/store.ts";

interface DeliveriesService extends Service {
  store: Store<DeliveryDocument>;
  worker: Worker;
  parts: Parts;
}

export interface Received {
  id: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** By the clock of the test (ms). */
  at: number;
}

/** A receiver of webhooks. */
export interface Receiver {
  url: string;
  received: Received[];
  /** Answers a request; by default with 204. */
  answer: (response: ServerResponse, received: Received) => void;
}

export const newSecret = () => `whsec_${randomBytes(24).toString("base64")}`;

export type Deliveries = Awaited<ReturnType<typeof deliveries>>;

/** Over files, or in MongoDB with DELIVERIES_MONGO_URL. */
export async function deliveries(env: Record<string, string> = {}) {
  const folder = temporaryFolder();
  Object.assign(process.env, {
    ...{ DATA_DIR: folder.path, LOG_LEVEL: "error", ALLOW_LOCAL_TARGETS: "1" },
    ...{ HOST: "127.0.0.1", AMQP_URL: "", MONGO_URL: "" },
    ...env,
  });
  const { SchemaValidator } = await import("../../broker/validator.ts");
  const { default: service } = await import("../../services/deliveries.service.ts");
  const recipients = new Map<string, Recipient>();
  const servers: http.Server[] = [];
  const disabled: { userId: string; id: string; reason: string }[] = [];
  const shown = new Set<string>();
  const broker = new ServiceBroker({ logger: false, validator: new SchemaValidator({}) });
  const nobody: Recipient = {
    ...{ language: "en", quietHours: null, push: [], mail: false, webhooks: [] },
  };
  let outage: Error | undefined;
  const available = () => {
    if (outage) throw outage;
  };
  broker.createService({
    name: "notifications",
    actions: {
      recipient({ params }: { params: { userId: string } }) {
        available();
        return recipients.get(params.userId) ?? nobody;
      },
      isShown({ params }: { params: { id: string } }) {
        available();
        return { isShown: shown.has(params.id) };
      },
      disableWebhook({ params }: { params: (typeof disabled)[number] }) {
        available();
        disabled.push(params);
        recipients.get(params.userId)!.webhooks = [];
        return { ok: true };
      },
    },
  } as never);
  const instance = broker.createService(service) as DeliveriesService;
  await broker.start();
  await eventually(() => instance.store.ping(), { within: 30_000 });
  let offsetMs = 0;
  const now = () => Date.now() + offsetMs;
  instance.store.now = () => new Date(now());

  const call = <A extends ActionName>(
    name: A,
    params: ParamsOf<Actions[A]>,
    userId?: string,
  ): Promise<ResultOf<Actions[A]>> =>
    broker.call(name, params as object, { meta: userId ? { user: { id: userId } } : {} });

  return {
    ...{ broker, instance, recipients, disabled, shown, call, now },
    /** What notifications answers from now on. */
    fail(error?: Error) {
      outage = error;
    },
    /** Sets the clock forward, sends what is due then, and waits for it. */
    async pass(ms: number) {
      offsetMs += ms;
      await instance.worker.idle();
    },
    idle: () => instance.worker.idle(),

    async receiver(): Promise<Receiver> {
      const made: Receiver = {
        url: "",
        received: [],
        answer: (response) => response.writeHead(204).end(),
      };
      const server = http.createServer((request, response) => {
        let body = "";
        request.on("data", (chunk) => (body += chunk));
        request.on("end", () => {
          const { headers } = request;
          const received = { id: headers["webhook-id"] as string, headers, body, at: now() };
          made.received.push(received);
          made.answer(response, received);
        });
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      made.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
      return made;
    },

    /** A user with a webhook. */
    seller(url: string, secrets = [newSecret()]): { userId: string; webhook: Webhook } {
      const userId = randomUUID();
      const webhook = { id: randomUUID(), url, secrets };
      recipients.set(userId, { ...nobody, webhooks: [webhook] });
      return { userId, webhook };
    },

    async sale(userId: string, kind: Delivery["kind"] = "webhook", id: string = randomUUID()) {
      const notice = {
        ...{ id, type: "sale", text: "Item #1 was sold!" },
        data: { itemId: "1", title: "A lamp", price: 4200 },
        createdAt: new Date(now()).toISOString(),
      };
      await call("deliveries.accept", { kind, userId, notice });
      return id;
    },

    async stateOf(id: string) {
      return (await instance.store.find({ noticeId: id }, {}))[0];
    },

    async stop() {
      await broker.stop();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
      folder.remove();
    },
  };
}
