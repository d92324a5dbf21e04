import type { Params, Tensor } from "@fedclair/core";

/**
 * Returns a tensor of the params.
 * @throws Error if it is missing, which means that the phases came in the wrong order
 */
export function getParam(params: Params, name: string): Tensor {
  const tensor = params.get(name);
  if (tensor === undefined) throw new Error(`evaluation-bias: params without \`${name}\``);
  return tensor;
}
