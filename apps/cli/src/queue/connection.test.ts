import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { UserError } from "@fedclair/core";
import { connect } from "./connection.js";

describe("connect", () => {
  it("rejects a server that is too old for BullMQ, and names its version", async () => {
    const connectTo = async (version: string) => {
      const info = `# Server\r\nredis_version:${version}\r\nloading:0\r\n`;
      const server = createServer((socket) => {
        socket.on("data", (data) => {
          for (const [, name] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
            const isInfo = name?.toLowerCase() === "info";
            socket.write(isInfo ? `$${info.length}\r\n${info}\r\n` : "$-1\r\n");
          }
        });
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        const { client } = await connect(url, () => undefined, new AbortController().signal);
        client.disconnect();
      } finally {
        server.close();
      }
    };
    const isTooOld = (error: unknown) =>
      error instanceof UserError &&
      /^the server at redis:\S+ is Redis 6\.0\.16, .* Redis 6\.2 or later$/.test(error.message);
    await assert.rejects(connectTo("6.0.16"), isTooOld);
    await connectTo("6.2.0");
    await connectTo("10.0.0");
  });
});
