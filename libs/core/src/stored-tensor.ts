import type { DType, Tensor } from "./tensor.js";

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
export function storedDtype(tensor: Tensor): DType | undefined {
  return stored.get(tensor)?.dtype;
}

/** Another tensor that reads the same numbers; undefined of one that has them. */
export function readAgain(tensor: Tensor): Tensor | undefined {
  const known = stored.get(tensor);
  return known && storedTensor(tensor.shape, known.dtype, known.read, tensor.packed);
}
