import { once } from "node:events";
import {
  encodeCoordinatorMessage,
  type CoordinatorMessage,
} from "../src/codec/coordinator-message.js";
import { encodeMessages } from "../src/codec/frame.js";
import { decodeHostMessage, type HostMessage } from "../src/codec/host-message.js";
import {
  decodeReplies,
  decodeReply,
  accepted,
  type Limits,
  type Reply,
} from "../src/codec/reply.js";
import { connectionOf, listen, type HostSocket, type Listener } from "../src/join/listen.js";
import { Channel } from "../src/send/channel.js";
import { defaultLimits, frameOverheadBytes } from "../src/codec/protocol.js";
import { Traffic } from "../src/send/traffic.js";
import { Inbox } from "./inbox.js";
import { outcome } from "./raw-host.js";

/** The reply of a scripted coordinator to a host's message. */
export type Answers = (message: HostMessage) => Reply;

/** A coordinator that only answers, and can send anything, for tests of hosts. */
export class ScriptedCoordinator {
  readonly url: string;
  /** By default it welcomes a host and accepts everything that it sends. */
  answers: Answers;
  readonly #listener: Listener;
  readonly #limits: Limits;
  readonly #connections = new Inbox<ScriptedConnection>();

  static async listen(trialJson: string, limits = defaultLimits): Promise<ScriptedCoordinator> {
    const listener = await listen("127.0.0.1", 0, limits.chunkBytes);
    return new ScriptedCoordinator(listener, trialJson, limits);
  }

  private constructor(listener: Listener, trialJson: string, limits: Limits) {
    this.url = listener.url;
    this.#listener = listener;
    this.#limits = limits;
    this.answers = ({ type }) =>
      type === "join"
        ? { type: "welcome", trialJson, backend: "none", softwareVersion: "", ...limits }
        : accepted;
    listener.io.on("connection", (socket) => {
      this.#connections.add(new ScriptedConnection(socket, this.#limits, (m) => this.answers(m)));
    });
  }

  /** The next connection that was not read yet. */
  connection(): Promise<ScriptedConnection> {
    return this.#connections.next();
  }

  /** The next host that joins and gets ready. */
  async host(): Promise<ScriptedConnection> {
    const connection = await this.connection();
    while ((await connection.next()).type !== "ready");
    return connection;
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

/** One host's connection, from the coordinator's side. */
export class ScriptedConnection {
  /** Length of the longest frame that arrived. */
  longestFrame = 0;
  readonly #socket: HostSocket;
  readonly #channel: Channel;
  readonly #received = new Inbox<HostMessage>();

  constructor(socket: HostSocket, limits: Limits, answers: Answers) {
    this.#socket = socket;
    this.#channel = new Channel(connectionOf(socket), new Traffic(), (bytes) => {
      const message = decodeHostMessage(bytes);
      this.#received.add(message);
      const reply = answers(message);
      if (reply.type === "welcome") this.#channel.applyLimits(limits);
      return reply;
    });
    socket.onAny((event: string, ...args: unknown[]) => {
      const [frame] = args;
      if (frame instanceof Uint8Array)
        this.longestFrame = Math.max(this.longestFrame, frame.length - frameOverheadBytes);
      this.#channel.receive(event, args);
    });
    socket.on("disconnect", () => {
      this.#channel.disconnected();
    });
  }

  /** The next message that was not read yet. */
  next(): Promise<HostMessage> {
    return this.#received.next();
  }

  /** @returns the code of a refusal, otherwise the type of the reply */
  async send(message: CoordinatorMessage): Promise<string> {
    return outcome(await this.#channel.send(encodeCoordinatorMessage(message)));
  }

  /**
   * Sends messages together, or any other argument of their event.
   * @returns for each, the code of a refusal, otherwise the type of the reply
   */
  async emitTogether(messages: readonly Uint8Array[] | string): Promise<string[]> {
    const argument = typeof messages === "string" ? messages : encodeMessages(messages);
    const replies = await this.#socket
      .timeout(10_000)
      .emitWithAck("messages", argument as Uint8Array);
    return decodeReplies(replies).map(outcome);
  }

  /**
   * Sends an event with any argument.
   * @returns the code of a refusal, otherwise the type of the reply
   */
  async emit(argument: unknown, event = "frame"): Promise<string> {
    const emit = this.#socket.timeout(10_000).emitWithAck.bind(this.#socket.timeout(10_000));
    return outcome(decodeReply(await emit(event as "frame", argument as Uint8Array)));
  }

  /** Closes the connection. */
  async cut(): Promise<void> {
    const gone = once(this.#socket, "disconnect");
    this.#socket.conn.close();
    await gone;
  }
}
