import { createServer, connect, type AddressInfo, type Socket } from "node:net";

/** A network between host and coordinator that can fail. */
export interface Proxy {
  readonly url: string;
  /** Connects to this coordinator from now on. */
  leadTo(url: string): void;
  /** ConnectionFailures every connection; new ones are possible. */
  blip(): void;
  close(): Promise<void>;
}

export async function proxyTo(url: string): Promise<Proxy> {
  let target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (other) => {
      target = new URL(other);
    },
    blip: cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        cut();
      }),
  };
}
