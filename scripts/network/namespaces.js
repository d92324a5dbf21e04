// Network namespaces as machines. Each is connected to this machine by a cable that can be pulled.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const ip = (...args) => run("ip", args);

/** A network namespace with an address of its own that reaches this machine at another address. */
export class Machine {
  /** @param index 0 … 250, unique */
  constructor(index) {
    this.name = `fedclair-${process.pid}-${index}`;
    this.cable = `fc${process.pid % 100000}x${index}`;
    this.gateway = `10.213.${index}.1`;
    this.address = `10.213.${index}.2`;
  }

  async make() {
    await ip("netns", "add", this.name);
    await ip("link", "add", this.cable, "type", "veth", "peer", "name", "eth0", "netns", this.name);
    await ip("address", "add", `${this.gateway}/24`, "dev", this.cable);
    await ip("link", "set", this.cable, "up");
    await this.#inside("address", "add", `${this.address}/24`, "dev", "eth0");
    await this.#inside("link", "set", "eth0", "up");
    await this.#inside("link", "set", "lo", "up");
  }

  /** Returns a command line that runs inside the namespace. */
  command(program, ...args) {
    return ["ip", "netns", "exec", this.name, program, ...args];
  }

  /** Drops all traffic without closing any connection. */
  async pull() {
    await ip("link", "set", this.cable, "down");
  }

  async plug() {
    await ip("link", "set", this.cable, "up");
  }

  async remove() {
    await ip("netns", "delete", this.name).catch(() => undefined);
  }

  async #inside(...args) {
    await ip("-n", this.name, ...args);
  }
}

/** Is this user allowed to create network namespaces? */
export async function mayMakeMachines() {
  const probe = new Machine(250);
  try {
    await probe.make();
    return true;
  } catch {
    return false;
  } finally {
    await probe.remove();
  }
}
