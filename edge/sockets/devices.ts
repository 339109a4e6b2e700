import type { Device } from "../../mixins/sockets.ts";

/** Which devices each user has here. Mostly that is one, which needs no set; Socket.IO's rooms are two a device, and two names. */
export class Devices {
  readonly #ofUser = new Map<string, Device | Set<Device>>();

  of(userId: string): ReadonlySet<Device> {
    const found = this.#ofUser.get(userId);
    return found instanceof Set ? found : new Set(found && [found]);
  }

  enter(userId: string, device: Device): void {
    const before = this.of(userId);
    if (before.has(device)) return;
    this.#ofUser.set(userId, before.size > 0 ? new Set([...before, device]) : device);
  }

  leave(userId: string, device: Device): void {
    const left = [...this.of(userId)].filter((one) => one !== device);
    if (left.length === 0) this.#ofUser.delete(userId);
    else this.#ofUser.set(userId, left.length > 1 ? new Set(left) : left[0]!);
  }
}
