import { admitUpdate, type Shapes } from "../tensors/admission.js";
import { askBefore, type BeforeRounds } from "./ask-before.js";
import type { Admit } from "../contracts/pool.js";
import { exitCodes, failure, UserError, type Failure } from "../words/errors.js";
import { Products } from "../tensors/merge.js";
import { encodeSafetensors } from "../tensors/safetensors.js";
import {
  dtypeOf,
  payloadBytes,
  readNumbers,
  sizeOf,
  zeros,
  type Dense,
  type Params,
} from "../tensors/tensor.js";
import {
  deltaShape,
  isLowRank,
  tensorsOf,
  type TensorDelta,
  type Update,
} from "../tensors/update.js";

/** The client that sent the first params of a trial, and their hash. */
export interface Origin {
  readonly clientId: string;
  /**
   * The SHA-256 of the params as a safetensors file, in hexadecimal; the same model has the same.
   */
  readonly sha256: string;
}

/** The first params of a trial, as a client sent them. */
export interface Initial {
  readonly params: Params;
  readonly origin: Origin;
}

/** The largest number of clients that are asked, one after another, until one answers. */
const mostAsked = 3;

/**
 * Asks the first client for the params that all clients start from, and the next one if it fails.
 * @throws UserError (exit code 3) after three failures
 */
export async function askForParams(asked: BeforeRounds): Promise<Initial> {
  const failures: (Failure & { readonly id: string })[] = [];
  const admit: Admit = (update) => admitInitial(update, asked.trial.limits.maxMessageBytes);
  for (const clientId of asked.clientIds.slice(0, mostAsked)) {
    const answers = await askBefore(asked, "initial", [clientId], admit);
    const [update] = answers.updates;
    if (update) return await toInitial(update);
    for (const [id, failure] of answers.failures) failures.push({ id, ...failure });
  }
  const lines = failures.map(({ id, code, message }) => `\n  ${id}: ${code} (${message})`);
  const isOwnFault = failures.length > 0 && failures.every(({ code }) => code === "CLIENT_ERROR");
  throw new UserError(
    `no client has initial params:${lines.join("") || " none answered"}`,
    isOwnFault ? exitCodes.usage : exitCodes.quorum,
  );
}

async function toInitial({ clientId, delta }: Update): Promise<Initial> {
  const products = new Products();
  const params = new Map<string, Dense>();
  for (const [name, change] of delta) params.set(name, await multiplyOut(change, products));
  const digest = await crypto.subtle.digest("SHA-256", encodeSafetensors(params));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return { params, origin: { clientId, sha256: hex.join("") } };
}

async function multiplyOut(change: TensorDelta, products: Products): Promise<Dense> {
  if (!isLowRank(change)) return { shape: change.shape, data: readNumbers(change) };
  const shape = deltaShape(change);
  const dense = zeros(shape, dtypeOf(change.b));
  if (change.b.shape[1] !== 0) dense.data.set(await products.of(change));
  return dense;
}

/**
 * Admits initial params with any modules. They must be valid as later updates, and fit into one
 * message to a host.
 */
function admitInitial(update: Update, maxBytes: number): Failure | undefined {
  const { delta } = update;
  if (delta.size === 0) return failure("WRONG_MODULES", "initial params without a module");
  let bytes = 0;
  for (const [name, change] of delta) {
    const size = sizeOf(deltaShape(change));
    if (size === 0) return failure("WRONG_SHAPE", `module ${name}: it has no numbers`);
    bytes += isLowRank(change)
      ? size * (dtypeOf(change.b) === "f32" ? 4 : 8)
      : payloadBytes([change]);
  }
  if (bytes > maxBytes) {
    const message = `initial params of ${bytes} bytes: limits.maxMessageBytes allows ${maxBytes}`;
    return failure("OVERSIZE", message);
  }
  const expected: Shapes = new Map(
    [...delta].map(([name, change]) => {
      const [first] = tensorsOf(change);
      return [name, { shape: deltaShape(change), dtype: first ? dtypeOf(first) : "f32" }];
    }),
  );
  return admitUpdate(update, expected);
}
