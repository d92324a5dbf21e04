import { io, type Socket } from "socket.io-client";
import {
  decodeCoordinatorMessage,
  type CoordinatorMessage,
} from "../src/codec/coordinator-message.js";
import { encodeJoin, encodeReady, type Join } from "../src/codec/host-message.js";
import { accepted, type Reply } from "../src/codec/reply.js";
import { Channel } from "../src/send/channel.js";
import { protocolVersion, type Events } from "../src/codec/protocol.js";
import { Traffic } from "../src/send/traffic.js";
import { Inbox } from "./inbox.js";

export const goodJoin: Join = {
  protocolVersion,
  token: "",
  capacity: 4,
  backends: ["none"],
  softwareVersion: "test",
  plugins: [],
  external: false,
  instance: "",
  contaminations: [],
};

/** The code of a refusal, otherwise the type of the reply. */
export function outcome(reply: Reply): string {
  return reply.type === "failure" ? reply.failure.code : reply.type;
}

/** A client host that does nothing by itself and can send anything. */
export class RawHost {
  readonly socket: Socket<Events, Events>;
  readonly channel: Channel;
  /** The reply to every message. */
  reply: Reply = accepted;
  readonly #received = new Inbox<CoordinatorMessage>();

  static async connect(url: string): Promise<RawHost> {
    const host = new RawHost(url);
    await new Promise<void>((resolve) => host.socket.once("connect", resolve));
    return host;
  }

  private constructor(url: string) {
    this.socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
    this.channel = new Channel(
      {
        emit: (event, bytes, reply) => this.socket.emit(event, bytes, reply),
        close: () => this.socket.disconnect(),
      },
      new Traffic(),
      (bytes) => {
        this.#received.add(decodeCoordinatorMessage(bytes));
        return this.reply;
      },
    );
    this.socket.onAny((event: string, ...args: unknown[]) => {
      this.channel.receive(event, args);
    });
    this.socket.on("disconnect", () => {
      this.channel.disconnected();
    });
  }

  async join(changes: Partial<Join> = {}): Promise<Reply> {
    const reply = await this.channel.send(encodeJoin({ ...goodJoin, ...changes }));
    if (reply.type === "welcome") this.channel.applyLimits(reply);
    return reply;
  }

  async joinReady(changes: Partial<Join> = {}): Promise<void> {
    await this.join(changes);
    await this.channel.send(encodeReady());
  }

  /** Messages that `next` has not returned yet. */
  get waiting(): number {
    return this.#received.size;
  }

  /** The next message that was not read yet. */
  next(): Promise<CoordinatorMessage> {
    return this.#received.next();
  }
}
