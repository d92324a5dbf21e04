import { yieldToEventLoop, type Params } from "@fedclair/core";
import { payloadBytes } from "@fedclair/core/internal";
import protobuf from "protobufjs/minimal.js";
import { fedclair } from "#gen/fedclair.js";
import { uint32 } from "./checks.js";
import { paramsToWire } from "./tensors.js";

/** Room for the message's own fields before the params. */
const headBytes = 64;

/** Field 1, or 2, of a message, when it is a message too: its tag. */
const tag = (field: number) => (field << 3) | 2;

/**
 * The bytes of `encodeCoordinatorMessage` of a base. Made module by module, giving way to the event loop in between: at once a hundred
 * megabytes would take a quarter of a second.
 * @throws WireError as it
 */
export async function encodeBase(id: number, params: Params): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(headBytes + boundOf(params));
  let end = headBytes;
  for (const entry of params) {
    // The encoding of a list is that of its parts, one behind the other.
    const part = fedclair.v1.Params.encode(paramsToWire(new Map([entry]))).finish();
    bytes.set(part, end);
    end += part.length;
    await yieldToEventLoop();
  }
  const number = fedclair.v1.Base.encode({ id: uint32("id", id) }).finish();
  const own = headOf(2, end - headBytes);
  const whole = headOf(1, number.length + own.length + end - headBytes);
  const head = Buffer.concat([whole, number, own]);
  bytes.set(head, headBytes - head.length);
  return bytes.subarray(headBytes - head.length, end);
}

function headOf(field: number, length: number): Uint8Array {
  return protobuf.Writer.create().uint32(tag(field)).uint32(length).finish();
}

/** At most so many bytes take the params: beside the numbers a name, extents, and a dozen tags and lengths of at most 10 each. */
function boundOf(params: Params): number {
  let bound = 0;
  for (const [name, tensor] of params)
    bound += payloadBytes([tensor]) + 4 * name.length + 10 * tensor.shape.length + 120;
  return bound;
}
