import { dtypeOf, type Dense, type Params } from "./tensor.js";

/**
 * Returns a weighted sum of params, computed in float64, with the modules, shapes and dtypes of the
 * first.
 * @example combineParams([1, after], [-1, before])
 * @throws Error if another lacks a module of the first, or has it in another size
 */
export function combineParams(
  ...terms: readonly [
    readonly [weight: number, params: Params],
    ...(readonly (readonly [weight: number, params: Params])[]),
  ]
): Params {
  const [[, first]] = terms;
  return new Map(
    [...first].map(([name, { shape, data }]): [string, Dense] => {
      const sum = new Float64Array(data.length);
      for (const [weight, params] of terms) {
        const numbers = moduleOf(params, name, data.length);
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (numbers[i] ?? NaN);
      }
      return [
        name,
        { shape, data: dtypeOf(first.get(name) as Dense) === "f32" ? new Float32Array(sum) : sum },
      ];
    }),
  );
}

/** Returns the sum of products of two params over the modules of the first. */
export function dotParams(a: Params, b: Params): number {
  let sum = 0;
  for (const [name, { data }] of a) {
    const others = moduleOf(b, name, data.length);
    for (let i = 0; i < data.length; i++) sum += (data[i] ?? NaN) * (others[i] ?? NaN);
  }
  return sum;
}

/** Returns the modules of these names, in the order of the params. */
export function pickModules(params: Params, names: readonly string[]): Params {
  return new Map([...params].filter(([name]) => names.includes(name)));
}

function moduleOf(params: Params, name: string, length: number): Dense["data"] {
  const data = params.get(name)?.data;
  if (data?.length === length) return data;
  const got = data ? `one of ${data.length}` : "none";
  throw new Error(`params: expected a module '${name}' of ${length} numbers, got ${got}`);
}
