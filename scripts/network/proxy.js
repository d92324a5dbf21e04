// A bad line: a proxy for one address that delays the traffic or cuts its connections.
import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Proxy {
  /** Additional delay of each packet in either direction, in milliseconds. */
  delay = 0;
  #pairs = new Set();

  /** @param target address to which connections are forwarded */
  static async listen(host, target) {
    const proxy = new Proxy();
    proxy.server = createServer((from) => proxy.#pass(from, connect(target)));
    proxy.server.listen(0, host);
    await once(proxy.server, "listening");
    proxy.port = proxy.server.address().port;
    return proxy;
  }

  /** Breaks all connections. */
  cut() {
    for (const [from, to] of this.#pairs) {
      from.resetAndDestroy();
      to.resetAndDestroy();
    }
  }

  close() {
    this.server.close();
    this.cut();
  }

  #pass(from, to) {
    const pair = [from, to];
    this.#pairs.add(pair);
    for (const [one, other] of [pair, pair.toReversed()]) {
      one.on("error", () => undefined);
      one.on("data", (piece) => setTimeout(() => other.writable && other.write(piece), this.delay));
      one.on("close", () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
  }
}
