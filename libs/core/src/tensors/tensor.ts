/** An n-dimensional array, row-major. `data` owns its memory: nothing else views the same buffer. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  /** Present where the same numbers travel in fewer bytes. Lost by whatever makes another tensor of this one. */
  readonly packed?: Packed;
}

/** The numbers of a tensor in fewer bytes, as they travel: its data are what `unpacked` makes of them. */
export type Packed =
  | {
      readonly dtype: "bf16";
      /** The upper halves of float32 numbers. */
      readonly codes: Uint16Array;
    }
  | {
      readonly dtype: "int8";
      /** In -127 … 127. */
      readonly codes: Int8Array;
      /** One for each line of `linesOf` (packed.ts): a number is its code times the scale of its line. */
      readonly scales: Float32Array;
    };

/** How a tensor's numbers are stored: IEEE 754 of 32 or 64 bits. */
export type DType = "f32" | "f64";

export function dtypeOf(tensor: Tensor): DType {
  return storedDtype(tensor) ?? (tensor.data instanceof Float32Array ? "f32" : "f64");
}

const bytesOf: Readonly<Record<DType, number>> = { f32: 4, f64: 8 };

/** Named tensors, in a fixed order. */
export type Params = ReadonlyMap<string, Tensor>;

/** Number of entries of a tensor of the given shape (1 for a scalar, shape []). */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** `[2, 3]` as `2×3`, for messages to people. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? "scalar" : shape.join("×");
}

/** A zero tensor, float32 unless told otherwise. */
export function zeros(shape: readonly number[], dtype: DType = "f32"): Tensor {
  const size = sizeOf(shape);
  return { shape, data: dtype === "f32" ? new Float32Array(size) : new Float64Array(size) };
}

/** The same numbers in memory of their own: what a plug-in changes in place is then nobody else's. */
export function copyParams(params: Params): Params {
  return new Map([...params].map(([name, tensor]) => [name, copyTensor(tensor)]));
}

export function copyTensor(tensor: Tensor): Tensor {
  return readAgain(tensor) ?? { ...tensor, data: tensor.data.slice() };
}

/** Bytes that tensors take on the wire, headers aside. */
export function payloadBytes(tensors: Iterable<Tensor>): number {
  let bytes = 0;
  for (const tensor of tensors) {
    const { packed } = tensor;
    const dtype = storedDtype(tensor);
    if (!packed) bytes += dtype ? sizeOf(tensor.shape) * bytesOf[dtype] : tensor.data.byteLength;
    else bytes += packed.codes.byteLength + ("scales" in packed ? packed.scales.byteLength : 0);
  }
  return bytes;
}

/** The largest of the absolute values, 0 if there are none; NaN if one of them is. */
export function maxAbs(data: Tensor["data"]): number {
  let largest = 0;
  // By index: seven times as fast as the iterator.
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i] as number);
    if (Number.isNaN(size)) return NaN;
    if (size > largest) largest = size;
  }
  return largest;
}

/** Where the numbers of a tensor lie. */
interface Stored {
  readonly dtype: DType;
  readonly read: () => Tensor["data"];
}

const stored = new WeakMap<Tensor, Stored>();

/**
 * A tensor whose numbers lie elsewhere, as on a disk: `data` reads them, and again once nobody holds what was read, so what is written
 * into it may be gone. Within one turn of the event loop it is the same array each time.
 * @param packed in whose bytes the tensor travels
 */
export function storedTensor(
  shape: readonly number[],
  dtype: DType,
  read: () => Tensor["data"],
  packed?: Tensor["packed"],
): Tensor {
  let held: WeakRef<Tensor["data"]> | undefined;
  // An own property, and not one of a class: `v8.serialize` and a spread take it with its numbers.
  const tensor: Tensor = {
    shape,
    ...(packed && { packed }),
    get data() {
      const known = held?.deref();
      if (known) return known;
      const data = read();
      held = new WeakRef(data);
      return data;
    },
  };
  stored.set(tensor, { dtype, read });
  return tensor;
}

/** Of its numbers, which are not read for it; undefined of a tensor that has them. */
function storedDtype(tensor: Tensor): DType | undefined {
  return stored.get(tensor)?.dtype;
}

/** Another tensor that reads the same numbers; undefined of one that has them. */
function readAgain(tensor: Tensor): Tensor | undefined {
  const known = stored.get(tensor);
  return known && storedTensor(tensor.shape, known.dtype, known.read, tensor.packed);
}
