// @ts-nocheck its packages are installed into a temporary folder
// One round over a transport: `coordinator KIND` starts a second process as the host.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";

const [role, kind] = process.argv.slice(2);
const [updates, window] = [10_000, 256];
const job = Buffer.alloc(100, 1);
const update = Buffer.alloc(1024, 2);

/** Sends all jobs with `ask`, which resolves with the answer. */
async function runRound(ask) {
  await ask(job); // connects
  const began = performance.now();
  let sent = 0;
  const worker = async () => {
    while (sent++ < updates) {
      const { length } = await ask(job);
      if (length !== update.length) throw new Error(`an update of ${length} bytes`);
    }
  };
  await Promise.all(Array.from({ length: window }, worker));
  console.log(`seconds ${(performance.now() - began) / 1000}`);
  process.exit(0);
}

const startHost = () => {
  const child = spawn(process.execPath, [process.argv[1], "host", kind], { stdio: "inherit" });
  process.once("exit", () => child.kill("SIGKILL"));
};

const proto = `syntax = "proto3"; package wires;
message Piece { uint32 id = 1; bytes data = 2; }
service Coordinator { rpc Join(stream Piece) returns (stream Piece); }`;

async function loadGrpc() {
  const grpc = (await import("@grpc/grpc-js")).default;
  const { loadSync } = (await import("@grpc/proto-loader")).default;
  writeFileSync("wires.proto", proto);
  return { grpc, wires: grpc.loadPackageDefinition(loadSync("wires.proto")).wires };
}

const kinds = {
  "socket.io": {
    async coordinator() {
      const { Server } = await import("socket.io");
      const http = createServer().listen(4100, "127.0.0.1");
      const io = new Server(http, { transports: ["websocket"] });
      startHost();
      const [socket] = await once(io, "connection");
      await runRound((data) => socket.emitWithAck("job", data));
    },
    async host() {
      const { io } = await import("socket.io-client");
      io("http://127.0.0.1:4100", { transports: ["websocket"] }).on("job", (_, done) =>
        done(update),
      );
    },
  },
  grpc: {
    async coordinator() {
      const { grpc, wires } = await loadGrpc();
      const server = new grpc.Server();
      server.addService(wires.Coordinator.service, {
        Join(call) {
          const waiting = new Map();
          let id = 0;
          call.on("data", (piece) => {
            waiting.get(piece.id)?.(piece.data);
            waiting.delete(piece.id);
          });
          void runRound(
            (data) =>
              new Promise((resolve) => {
                waiting.set(++id, resolve);
                call.write({ id, data });
              }),
          );
        },
      });
      await new Promise((done) =>
        server.bindAsync("127.0.0.1:4101", grpc.ServerCredentials.createInsecure(), done),
      );
      startHost();
    },
    async host() {
      const { grpc, wires } = await loadGrpc();
      const client = new wires.Coordinator("127.0.0.1:4101", grpc.credentials.createInsecure());
      const call = client.Join();
      call.on("data", ({ id }) => call.write({ id, data: update }));
      call.on("error", () => undefined);
    },
  },
  nats: {
    async coordinator() {
      const { connect } = await import("nats");
      const connection = await connect({ servers: "127.0.0.1:4222" });
      startHost();
      const ask = async (data) => {
        for (;;) {
          try {
            return (await connection.request("job", data, { timeout: 5000 })).data;
          } catch (error) {
            if (error.code !== "503") throw error; // the host has not subscribed yet
          }
        }
      };
      await runRound(ask);
    },
    async host() {
      const { connect } = await import("nats");
      const connection = await connect({ servers: "127.0.0.1:4222" });
      for await (const message of connection.subscribe("job")) message.respond(update);
    },
  },
  jetstream: {
    async coordinator() {
      const { connect, StorageType } = await import("nats");
      const connection = await connect({ servers: "127.0.0.1:4222" });
      const manager = await connection.jetstreamManager();
      for (const name of ["jobs", "updates"]) {
        await manager.streams.delete(name).catch(() => undefined);
        await manager.streams.add({ name, subjects: [`${name}.*`], storage: StorageType.File });
        await manager.consumers.add(name, {
          durable_name: "all",
          ack_policy: "explicit",
          max_ack_pending: 1000,
        });
      }
      startHost();
      const stream = connection.jetstream();
      const waiting = new Map();
      const consumer = await stream.consumers.get("updates", "all");
      void (async () => {
        for await (const message of await consumer.consume()) {
          const id = message.subject.split(".")[1];
          waiting.get(id)?.(message.data);
          waiting.delete(id);
          message.ack();
        }
      })();
      let id = 0;
      await runRound((data) => {
        const own = String(++id);
        return new Promise((resolve) => {
          waiting.set(own, resolve);
          void stream.publish(`jobs.${own}`, data);
        });
      });
    },
    async host() {
      const { connect } = await import("nats");
      const connection = await connect({ servers: "127.0.0.1:4222" });
      const stream = connection.jetstream();
      const consumer = await stream.consumers.get("jobs", "all");
      for await (const message of await consumer.consume()) {
        void stream
          .publish(`updates.${message.subject.split(".")[1]}`, update)
          .then(() => message.ack());
      }
    },
  },
};
await kinds[kind][role]();
