import * as parser from "socket.io-parser";

/**
 * Maximum length of a text packet, in characters. Texts only announce bytes. A longer one could
 * hold more arguments than a function takes, and Socket.IO passes them all without catching errors.
 */
export const maxTextPacket = 1024;

class BoundedDecoder extends parser.Decoder {
  override add(packet: unknown): void {
    if (typeof packet === "string" && packet.length > maxTextPacket) {
      throw new Error(`a text packet of ${packet.length} characters`);
    }
    super.add(packet);
  }
}

/** Socket.IO's own parser, but a long text packet ends the connection. */
export const packetParser = { ...parser, Decoder: BoundedDecoder };
