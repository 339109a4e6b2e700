/**
 * A replica set of three, played by proxies in front of one server: members answer `hello` as such, only the primary
 * executes commands, and chosen commands fail as they do when a primary steps down. All members have the same data, as
 * those of a real set have of every write that a majority acknowledged.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Long, ObjectId, type Document } from "mongodb";
import {
  answer,
  framed,
  readAnswer,
  readdressed,
  readRequest,
  type Request,
} from "./wire-messages.ts";

/**
 * What happens to a command: it is refused with an error code, or its connection breaks, before or after it was done;
 * or it is done, and the answer has a write concern error.
 */
export type Fault =
  | { how: "refuse"; code: number; codeName: string }
  | { how: "writeConcernError"; code: number; codeName: string }
  | { how: "drop before" | "drop after" };

const hellos = new Set(["hello", "ismaster", "isMaster"]);
/** Any member answers these. */
const harmless = new Set(["ping", "endSessions", "buildInfo", "serverStatus"]);
const notWritablePrimary: Fault = { how: "refuse", code: 10107, codeName: "NotWritablePrimary" };

export class ReplicaSet {
  readonly members: Member[] = [];
  /** Chooses a fault for a command that the primary receives. */
  faultFor: (command: Document, name: string) => Fault | undefined = () => undefined;
  /** Commands that were executed, by name. */
  readonly executed = new Map<string, number>();
  /** Retries that were answered from memory, because the write had been done. */
  repeated = 0;
  readonly target: number;
  /** Answers of numbered writes, by session and number, as a replica set remembers them. */
  readonly done = new Map<string, Buffer>();
  primary: Member | undefined;
  term = 0;

  private constructor(target: number) {
    this.target = target;
  }

  static async before(target: number): Promise<ReplicaSet> {
    const set = new ReplicaSet(target);
    for (let n = 0; n < 3; n++) set.members.push(await Member.of(set));
    set.elect(0);
    return set;
  }

  url(database: string): string {
    return `mongodb://${this.hosts.join(",")}/${database}?replicaSet=souk`;
  }

  get hosts(): string[] {
    return this.members.map(({ address }) => address);
  }

  /** There is no primary until `elect`. */
  stepDown(): void {
    this.primary = undefined;
    for (const member of this.members) member.announce();
  }

  elect(n: number): void {
    this.primary = this.members[n];
    this.term++;
    for (const member of this.members) member.announce();
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
  }
}

class Member {
  readonly #set: ReplicaSet;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #processId = new ObjectId();
  address = "";
  #version = 0;
  #change = Promise.withResolvers<undefined>();

  private constructor(set: ReplicaSet) {
    this.#set = set;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  static async of(set: ReplicaSet): Promise<Member> {
    const member = new Member(set);
    member.#server.listen(0, "127.0.0.1");
    await once(member.#server, "listening");
    member.address = `127.0.0.1:${(member.#server.address() as AddressInfo).port}`;
    return member;
  }

  /** Answers those who wait for a change of the set. */
  announce(): void {
    this.#version++;
    this.#change.resolve(undefined);
    this.#change = Promise.withResolvers();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#set.target, host: "127.0.0.1", noDelay: true });
    let answered: ((message: Buffer) => void) | undefined;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // "close" follows
      socket.on("close", () => (this.#sockets.delete(socket), other.destroy()));
    }
    server.on(
      "data",
      framed((message) => answered?.(message)),
    );
    const ask = ({ bytes }: Request) =>
      new Promise<Buffer>((resolve) => {
        answered = resolve;
        server.write(bytes);
      });
    // A driver sends one request at a time on a connection.
    client.on(
      "data",
      framed((message) => void this.#serve(client, readRequest(message), ask)),
    );
  }

  async #serve(client: Socket, request: Request, ask: (request: Request) => Promise<Buffer>) {
    const { command, name } = request;
    if (hellos.has(name)) return this.#hello(client, request, ask);
    if (harmless.has(name)) return void client.write(await ask(request));
    const fault =
      this.#set.primary === this ? this.#set.faultFor(command, name) : notWritablePrimary;
    if (fault?.how === "refuse")
      return void client.write(answer(request, this.#refusal(fault, command)));
    if (fault?.how === "drop before") return void client.resetAndDestroy();
    const done = await this.#execute(request, ask);
    if (fault?.how === "drop after") return void client.resetAndDestroy();
    if (fault?.how !== "writeConcernError") return void client.write(done);
    const { code, codeName } = fault;
    const writeConcernError = { code, codeName, errmsg: "waiting for replication failed" };
    client.write(answer(request, { ...readAnswer(done), writeConcernError }));
  }

  /** A numbered write that was done is not done again. */
  async #execute(request: Request, ask: (request: Request) => Promise<Buffer>): Promise<Buffer> {
    const { lsid, txnNumber } = request.command as { lsid?: { id: object }; txnNumber?: object };
    const number = txnNumber !== undefined && JSON.stringify([lsid?.id, String(txnNumber)]);
    const known = number && this.#set.done.get(number);
    if (known) {
      this.#set.repeated++;
      return readdressed(known, request);
    }
    const { executed, done } = this.#set;
    executed.set(request.name, (executed.get(request.name) ?? 0) + 1);
    const answered = await ask(request);
    if (number) done.set(number, answered);
    return answered;
  }

  #refusal(
    { code, codeName }: { code: number; codeName: string },
    { txnNumber }: Document,
  ): Document {
    return {
      ok: 0,
      code,
      codeName,
      errmsg: codeName,
      topologyVersion: this.#topologyVersion(),
      ...(txnNumber !== undefined && { errorLabels: ["RetryableWriteError"] }),
    };
  }

  /** Answers at once, or when the set has changed; a stream of answers goes on until the connection ends. */
  async #hello(client: Socket, request: Request, ask: (request: Request) => Promise<Buffer>) {
    const { topologyVersion, maxAwaitTimeMS } = request.command;
    if (!topologyVersion) {
      this.#base ??= readAnswer(await ask(request));
      return void client.write(answer(request, this.#helloOf(this.#base)));
    }
    let known = Number((topologyVersion as { counter: unknown }).counter);
    do {
      const { promise } = this.#change;
      const timer = Promise.withResolvers<undefined>();
      const timeout = setTimeout(() => timer.resolve(undefined), Number(maxAwaitTimeMS));
      if (known === this.#version) await Promise.race([promise, timer.promise]);
      clearTimeout(timeout);
      known = this.#version;
      if (client.destroyed) return;
      client.write(answer(request, this.#helloOf(this.#base!), request.isStream));
    } while (request.isStream);
  }

  #base: Document | undefined;

  #helloOf({
    maxWireVersion,
    minWireVersion,
    maxBsonObjectSize,
    maxMessageSizeBytes,
    maxWriteBatchSize,
  }: Document) {
    const isPrimary = this.#set.primary === this;
    return {
      helloOk: true,
      isWritablePrimary: isPrimary,
      ismaster: isPrimary,
      secondary: !isPrimary,
      setName: "souk",
      setVersion: 1,
      hosts: this.#set.hosts,
      me: this.address,
      ...(this.#set.primary && { primary: this.#set.primary.address }),
      ...(isPrimary && {
        electionId: new ObjectId(`7fffffff${this.#set.term.toString(16).padStart(16, "0")}`),
      }),
      topologyVersion: this.#topologyVersion(),
      maxWireVersion,
      minWireVersion,
      maxBsonObjectSize,
      maxMessageSizeBytes,
      maxWriteBatchSize,
      logicalSessionTimeoutMinutes: 30,
      localTime: new Date(),
      ok: 1,
    };
  }

  #topologyVersion() {
    return { processId: this.#processId, counter: Long.fromNumber(this.#version) };
  }
}
