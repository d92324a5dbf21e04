import { connect, createServer, type AddressInfo, type Server } from "node:net";

/** A proxy between hosts and coordinator that records all bytes. */
export class Recorder {
  readonly #server: Server;
  /** The recorded pieces, one list for each direction of each connection. */
  readonly #streams: Buffer[][] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param url URL of the coordinator, at 127.0.0.1 */
  static async before(url: string): Promise<Recorder> {
    const { port } = new URL(url);
    const server = createServer((near) => {
      const far = connect(Number(port), "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        const stream: Buffer[] = [];
        recorder.#streams.push(stream);
        from.on("data", (bytes: Buffer) => stream.push(bytes));
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
      }
    });
    const recorder = new Recorder(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return recorder;
  }

  /** The URL that hosts dial instead of the coordinator's. */
  url(scheme: "http" | "https"): string {
    return `${scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Stops the proxy. @returns for each connection the bytes to the coordinator and from it */
  close(): Buffer[] {
    this.#server.close();
    return this.#streams.map((pieces) => Buffer.concat(pieces));
  }
}

/** Parses the frames of a websocket and removes the hosts' masks, whose keys are in the frames. */
export function parseFrames(stream: Buffer): Buffer[] {
  const payloads: Buffer[] = [];
  for (let at = stream.indexOf("\r\n\r\n") + 4; at + 2 <= stream.length;) {
    const [, second = 0] = stream.subarray(at);
    const [short, isMasked] = [second & 127, second >= 128];
    const length =
      short < 126
        ? short
        : short === 126
          ? stream.readUInt16BE(at + 2)
          : Number(stream.readBigUInt64BE(at + 2));
    at += short < 126 ? 2 : short === 126 ? 4 : 10;
    const mask = isMasked ? stream.subarray(at, at + 4) : Buffer.alloc(4);
    if (isMasked) at += 4;
    payloads.push(
      stream.subarray(at, at + length).map((byte, i) => byte ^ (mask[i % 4] ?? 0)) as Buffer,
    );
    at += length;
  }
  return payloads;
}

/** Is the whole stream TLS? The last record may be incomplete if the connection was cut. */
export function isTls(stream: Buffer): boolean {
  let at = 0;
  while (at + 5 <= stream.length) {
    const [type = 0, major] = stream.subarray(at);
    if (type < 20 || type > 23 || major !== 3) return false; // change of cipher, alert, handshake, data
    at += 5 + stream.readUInt16BE(at + 3);
  }
  return stream.length > 0;
}
