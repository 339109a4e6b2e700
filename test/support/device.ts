import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import type { serverEvents, ServerToClient } from "../../contracts/socket.ts";
import { eventually } from "../../bin/processes/eventually.ts";

type Event = keyof typeof serverEvents;
type Payload<E extends Event> = Parameters<ServerToClient[E]>[0];

/** A stock Socket.IO client that records what happens to it. */
export class Device {
  readonly socket: Socket;
  /** All that the server sent, in its order. */
  readonly events: { event: string; payload: unknown }[] = [];
  readonly refusals: { message: string; data?: { code: string } }[] = [];
  readonly disconnects: string[] = [];

  constructor(url: string, token?: unknown, options: Partial<ManagerOptions & SocketOptions> = {}) {
    this.socket = io(url, {
      transports: ["websocket"],
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
      ...(token !== undefined && { auth: { token } }),
      ...options,
    });
    this.socket.onAny((event: string, payload: unknown) => this.events.push({ event, payload }));
    this.socket.on("connect_error", (error) =>
      this.refusals.push(error as Error & { data?: { code: string } }),
    );
    this.socket.on("disconnect", (reason) => this.disconnects.push(reason));
  }

  received<E extends Event>(event: E): Payload<E>[] {
    return this.events
      .filter((one) => one.event === event)
      .map(({ payload }) => payload as Payload<E>);
  }

  /** Waits until the event has arrived `times` times, and returns the last one. */
  async receives<E extends Event>(event: E, times = 1, within = 5000): Promise<Payload<E>> {
    await eventually(() => this.received(event).length >= times, { within });
    return this.received(event)[times - 1]!;
  }

  /** Waits for the notice with this id to be shown. */
  shows(id: string, within = 5000): Promise<unknown> {
    return eventually(
      () => this.received("notification").some((notification) => notification.id === id),
      { within },
    );
  }

  async connects(): Promise<this> {
    await eventually(() => this.socket.connected);
    return this;
  }

  /** The one argument of the acknowledgement; an Error when there is none within 5 s. */
  async ask(event: string, ...args: unknown[]): Promise<unknown> {
    return this.socket.timeout(5000).emitWithAck(event, ...args);
  }

  /** Sends a raw packet, valid or not. */
  write(packet: string): void {
    (this.socket.io.engine as unknown as { write(packet: string): void }).write(packet);
  }

  close(): void {
    this.socket.close();
  }
}
