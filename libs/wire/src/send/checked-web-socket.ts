import type { NodeWebSocket } from "socket.io-client";

/**
 * Extends engine.io-client's transport by a check of the first packet. The client parses the packet
 * without catching errors, so a damaged one would end the process.
 */
export function checkHandshake(Transport: typeof NodeWebSocket): typeof NodeWebSocket {
  return class extends Transport {
    protected override onPacket(packet: { readonly type: string; readonly data?: unknown }): void {
      if (packet.type === "open" && !isHandshake(packet.data))
        this.onError("the handshake is damaged", undefined);
      else super.onPacket(packet as never);
    }
  };
}

/** Has a first packet what the client uses of it? Its times, in milliseconds, become timers. */
function isHandshake(data: unknown): boolean {
  try {
    const { sid, upgrades, pingInterval, pingTimeout } = JSON.parse(String(data)) as Partial<
      Record<string, unknown>
    >;
    const times = [pingInterval, pingTimeout];
    return (
      typeof sid === "string" &&
      Array.isArray(upgrades) &&
      times.every((time) => typeof time === "number" && time > 0)
    );
  } catch {
    return false;
  }
}
