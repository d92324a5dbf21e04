import { endianness } from "node:os";
import {
  isLowRank,
  shapeText,
  sizeOf,
  type Delta,
  type TensorDelta,
  type Params,
  type Tensor,
} from "@fedclair/core";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "../wire-error.js";
import { required, uint32, uniqueNames } from "./checks.js";

type WireTensor = fedclair.v1.Tensor.$Properties;
type WireParams = fedclair.v1.Params.$Properties;
type WireDelta = fedclair.v1.Delta.$Properties;
type WireTensorDelta = fedclair.v1.TensorDelta.$Properties;
const { DType } = fedclair.v1;

// Typed arrays have the byte order of the processor; on the wire it is little-endian.
if (endianness() !== "LE") throw new Error("fedclair runs on little-endian processors only");

/** The result views the tensor's memory: encode it before the tensor changes. @throws WireError */
export function tensorToWire({ shape, data }: Tensor): WireTensor {
  checkSize(shape, data.length);
  return {
    shape: shape.map((extent) => uint32("shape", extent)),
    dtype: data instanceof Float32Array ? DType.F32 : DType.F64,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** The result owns its memory. @throws WireError */
export function tensorFromWire(wire: WireTensor): Tensor {
  const shape = wire.shape ?? [];
  // Decoded bytes are a slice of a received buffer: unaligned, and they would keep all of it in memory.
  const owned = new Uint8Array(wire.data ?? []);
  const data = numbersOf(wire.dtype ?? DType.DTYPE_UNSPECIFIED, owned);
  checkSize(shape, data.length);
  return { shape, data };
}

function numbersOf(dtype: fedclair.v1.DType, { buffer, length }: Uint8Array<ArrayBuffer>) {
  const view = { [DType.F32]: Float32Array, [DType.F64]: Float64Array }[dtype as number];
  if (!view) throw new WireError("MALFORMED", `dtype ${dtype}: expected F32 (1) or F64 (2)`);
  if (length % view.BYTES_PER_ELEMENT !== 0) {
    const message = `${length} bytes are no whole number of ${view.BYTES_PER_ELEMENT}-byte numbers`;
    throw new WireError("WRONG_SHAPE", message);
  }
  return new view(buffer);
}

function checkSize(shape: readonly number[], length: number): void {
  if (sizeOf(shape) !== length) {
    throw new WireError("WRONG_SHAPE", `${length} numbers for a tensor of ${shapeText(shape)}`);
  }
}

/** @throws WireError */
export function paramsToWire(params: Params): WireParams {
  return { params: [...params].map(([name, t]) => ({ name, tensor: tensorToWire(t) })) };
}

/** @throws WireError */
export function paramsFromWire(wire: WireParams): Params {
  const entries = (wire.params ?? []).map(({ name, tensor }): [string, Tensor] => [
    name ?? "",
    tensorFromWire(required("tensor", tensor)),
  ]);
  return uniqueNames("param", entries);
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
  return uniqueNames("module", entries);
}

function changeFromWire({ change, dense, lowRank }: WireTensorDelta): TensorDelta {
  if (change !== "lowRank") return tensorFromWire(required("change", dense));
  const { b, a } = required("low_rank", lowRank);
  return { b: tensorFromWire(required("b", b)), a: tensorFromWire(required("a", a)) };
}
