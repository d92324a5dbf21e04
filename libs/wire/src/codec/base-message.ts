import { yieldToEventLoop } from "@fedclair/core";
import { payloadBytes, type StoredParams } from "@fedclair/core/internal";
import protobuf from "protobufjs/minimal.js";
import { fedclair } from "#gen/fedclair.js";
import { checkUint32 } from "./checks.js";
import { paramsToWire } from "./tensors.js";

/** Room for the message's own fields before the params. */
const headBytes = 64;

/** The tag of a field (1 or 2) that is itself a message. */
const tag = (field: number) => (field << 3) | 2;

/**
 * Encodes a base to the same bytes as `encodeCoordinatorMessage`. It works module by module and
 * yields to the event loop in between: encoding a hundred megabytes at once would block it for a
 * quarter of a second.
 * @throws WireError in the same cases
 */
export async function encodeBase(id: number, params: StoredParams): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(headBytes + computeBound(params));
  let end = headBytes;
  for (const entry of params) {
    // The encoding of a list is the concatenation of the encodings of its parts.
    const part = fedclair.v1.Params.encode(paramsToWire(new Map([entry]))).finish();
    bytes.set(part, end);
    end += part.length;
    await yieldToEventLoop();
  }
  const number = fedclair.v1.Base.encode({ id: checkUint32("id", id) }).finish();
  const own = encodeHead(2, end - headBytes);
  const whole = encodeHead(1, number.length + own.length + end - headBytes);
  const head = Buffer.concat([whole, number, own]);
  bytes.set(head, headBytes - head.length);
  return bytes.subarray(headBytes - head.length, end);
}

function encodeHead(field: number, length: number): Uint8Array {
  return protobuf.Writer.create().uint32(tag(field)).uint32(length).finish();
}

/**
 * An upper bound on the bytes of the encoded params: the numbers, a name, the extents, and a dozen
 * tags and lengths of at most 10 bytes each.
 */
function computeBound(params: StoredParams): number {
  let bound = 0;
  for (const [name, tensor] of params)
    bound += payloadBytes([tensor]) + 4 * name.length + 10 * tensor.shape.length + 120;
  return bound;
}
