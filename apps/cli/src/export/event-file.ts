import { open } from "node:fs/promises";
import protobuf from "protobufjs/minimal.js";

/** A TensorBoard event with the numbers of a round. */
interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly scalars: ReadonlyMap<string, number>;
}

/**
 * An event file for TensorBoard. It consists of TFRecords with the message `tensorflow.Event`
 * (https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto). The
 * file uses these fields: wall_time = 1, step = 2, file_version = 3, and summary = 5, whose values
 * have tag = 1 and simple_value = 2, a float32.
 */
export type EventFile = Awaited<ReturnType<typeof createEventFile>>;

/** Creates an event file. @param path a new file @param began start time in seconds since 1970 */
export async function createEventFile(path: string, began: number) {
  const file = await open(path, "wx");
  const version = protobuf.Writer.create().uint32(tag(1, 1)).double(began);
  await file.write(tfRecord(version.uint32(tag(3, 2)).string("brain.Event:2").finish()));
  return {
    write: async ({ wallTime, step, scalars }: ScalarEvent): Promise<void> => {
      const event = protobuf.Writer.create().uint32(tag(1, 1)).double(wallTime);
      event.uint32(tag(2, 0)).int64(step).uint32(tag(5, 2)).fork();
      for (const [name, value] of scalars) {
        event.uint32(tag(1, 2)).fork();
        event.uint32(tag(1, 2)).string(name).uint32(tag(2, 5)).float(value).ldelim();
      }
      await file.write(tfRecord(event.ldelim().finish()));
    },
    close: () => file.close(),
  };
}

/**
 * Encodes a protobuf tag.
 * @param type wire type: 0 varint, 1 64 bits, 2 length-delimited, 5 32 bits
 */
function tag(field: number, type: 0 | 1 | 2 | 5): number {
  return (field << 3) | type;
}

/**
 * Creates a TFRecord: length (uint64), checksum of the length, data, checksum of the data
 * (https://www.tensorflow.org/tutorials/load_data/tfrecord).
 */
export function tfRecord(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return record;
}

function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Computes CRC-32C (Castagnoli), RFC 3720 B.4. Node's zlib has only the other CRC-32. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crcTable[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});
