import {
  type Dense,
  readNumbers,
  countNumbers,
  type Numbers,
  isLowRank,
  shapeText,
  sizeOf,
  type Delta,
  type Packed,
  type Params,
  type TensorDelta,
  type Tensor,
} from "@fedclair/core";
import { errorMessage, checkPacked, type StoredParams } from "@fedclair/core/internal";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "./wire-error.js";
import { requireField, checkUint32, toUniqueMap } from "./checks.js";

type WireTensor = fedclair.v1.Tensor.$Properties;
type WireParams = fedclair.v1.Params.$Properties;
type WireDelta = fedclair.v1.Delta.$Properties;
type WireTensorDelta = fedclair.v1.TensorDelta.$Properties;
const { DType } = fedclair.v1;

// Typed arrays use the byte order of the processor; the wire format is little-endian.
if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1)
  throw new Error("fedclair runs on little-endian processors only");

/**
 * Encodes a tensor. The result is a view of the tensor's memory, so encode it before the tensor
 * changes.
 * @throws WireError
 */
export function tensorToWire(tensor: Tensor): WireTensor {
  checkSize(tensor.shape, countNumbers(tensor));
  const extents = tensor.shape.map((extent) => checkUint32("shape", extent));
  if ("codes" in tensor) {
    const scales = tensor.dtype === "int8" && { scales: viewBytes(tensor.scales) };
    const dtype = packedTypes[tensor.dtype];
    return { shape: extents, dtype, data: viewBytes(tensor.codes), ...scales };
  }
  const data = readNumbers(tensor);
  const dtype = data instanceof Float32Array ? DType.F32 : DType.F64;
  return { shape: extents, dtype, data: viewBytes(data) };
}

const packedTypes = { bf16: DType.BF16, f16: DType.F16, int8: DType.INT8 };

function viewBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Decodes a tensor that owns its memory. BF16, F16 and INT8 stay packed.
 * @throws WireError
 */
export function tensorFromWire(wire: WireTensor): Tensor {
  const shape = wire.shape ?? [];
  const dtype = wire.dtype ?? DType.DTYPE_UNSPECIFIED;
  switch (dtype) {
    case DType.F32:
      return createTensor(shape, decodeNumbers(Float32Array, wire.data));
    case DType.F64:
      return createTensor(shape, decodeNumbers(Float64Array, wire.data));
    case DType.BF16:
    case DType.F16: {
      const codes = decodeNumbers(Uint16Array, wire.data);
      return createPacked({ shape, dtype: dtype === DType.F16 ? "f16" : "bf16", codes });
    }
    case DType.INT8: {
      const scales = decodeNumbers(Float32Array, wire.scales);
      const codes = decodeNumbers(Int8Array, wire.data);
      return createPacked({ shape, dtype: "int8", codes, scales });
    }
    default: {
      const message = `dtype ${dtype}: expected F32 (1), F64 (2), BF16 (3), INT8 (4) or F16 (5)`;
      throw new WireError("MALFORMED", message);
    }
  }
}

interface NumberArray<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): T;
}

function decodeNumbers<T>(kind: NumberArray<T>, bytes: Uint8Array | null | undefined): T {
  // Decoded bytes are a slice of a received buffer: they are unaligned and would keep the whole
  // buffer in memory.
  const owned = new Uint8Array(bytes ?? []);
  if (owned.length % kind.BYTES_PER_ELEMENT !== 0) {
    const message = `${owned.length} bytes are no whole number of ${kind.BYTES_PER_ELEMENT}-byte numbers`;
    throw new WireError("WRONG_SHAPE", message);
  }
  return new kind(owned.buffer);
}

function createTensor(shape: readonly number[], data: Numbers): Dense {
  checkSize(shape, data.length);
  return { shape, data };
}

function createPacked(tensor: Packed): Packed {
  checkSize(tensor.shape, tensor.codes.length);
  try {
    checkPacked(tensor);
    return tensor;
  } catch (error) {
    throw new WireError("WRONG_SHAPE", errorMessage(error));
  }
}

function checkSize(shape: readonly number[], length: number): void {
  if (sizeOf(shape) !== length) {
    throw new WireError("WRONG_SHAPE", `${length} numbers for a tensor of ${shapeText(shape)}`);
  }
}

/** @throws WireError */
export function paramsToWire(params: StoredParams): WireParams {
  return { params: [...params].map(([name, t]) => ({ name, tensor: tensorToWire(t) })) };
}

/** @throws WireError */
export function paramsFromWire(wire: WireParams): Params {
  const entries = (wire.params ?? []).map(({ name, tensor }): [string, Dense] => {
    const decoded = tensorFromWire(requireField("tensor", tensor));
    return [name ?? "", { shape: decoded.shape, data: readNumbers(decoded) }];
  });
  return toUniqueMap("param", entries);
}

/** @throws WireError */
export function deltaToWire(delta: Delta): WireDelta {
  const modules = [...delta].map(([name, change]) =>
    isLowRank(change)
      ? { name, lowRank: { b: tensorToWire(change.b), a: tensorToWire(change.a) } }
      : { name, dense: tensorToWire(change) },
  );
  return { modules };
}

/** @throws WireError */
export function deltaFromWire({ modules }: WireDelta): Delta {
  const entries = (modules ?? []).map((change): [string, TensorDelta] => [
    change.name ?? "",
    changeFromWire(change),
  ]);
  return toUniqueMap("module", entries);
}

function changeFromWire({ change, dense, lowRank }: WireTensorDelta): TensorDelta {
  if (change !== "lowRank") return tensorFromWire(requireField("change", dense));
  const { b, a } = requireField("low_rank", lowRank);
  return { b: tensorFromWire(requireField("b", b)), a: tensorFromWire(requireField("a", a)) };
}
