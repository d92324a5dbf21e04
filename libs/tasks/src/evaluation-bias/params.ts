import type { Params, Tensor } from "@fedclair/core";

/** @throws Error if the params lack it: then the phases came in the wrong order */
export function paramOf(params: Params, name: string): Tensor {
  const tensor = params.get(name);
  if (tensor === undefined) throw new Error(`evaluation-bias: params without \`${name}\``);
  return tensor;
}
