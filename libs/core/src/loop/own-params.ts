import type { Stream } from "@fedclair/linalg";
import type { NamedMethod } from "../trial/prepared-trial.js";
import { shapesOf } from "../tensors/admission.js";
import { keepInMemory, type ClientParams, type KeeperFor } from "../tensors/client-params.js";
import { splitOwn } from "../tensors/own-modules.js";
import type { Params } from "../tensors/tensor.js";
import type { Update } from "../tensors/update.js";
import { spreadModels } from "../trial/shared-models.js";
import { describeValue } from "../words/describe-value.js";
import { excerpt } from "../words/text.js";
import { errorMessage, UserError } from "../words/errors.js";
import type { Collected } from "./collect.js";
import { keepParams, type TrialState } from "./trial-state.js";

/** Takes the own params off the updates of an arm with a personal method. */
export function splitAnswers({ updates, failures }: Collected): Collected {
  const own = new Map<string, Params>();
  const sent = updates.map((update): Update => {
    const parts = splitOwn(update.delta);
    own.set(update.clientId, parts.own);
    return { ...update, delta: parts.sent };
  });
  return { updates: sent, failures, own };
}

/** Returns personal params with those that the clients of a round sent. */
export async function storeOwn(
  personal: TrialState["personal"],
  { updates, own }: Collected,
  keeperFor: KeeperFor = () => keepInMemory,
): Promise<TrialState["personal"]> {
  if (!own) return personal;
  const all = new Map<string, ClientParams>(personal);
  for (const { clientId } of updates) {
    const params = own.get(clientId);
    if (params && params.size > 0)
      all.set(clientId, { base: await keepParams(params, keeperFor(0)), rounds: [] });
  }
  return all;
}

/**
 * Prepares the start of an arm with a personal method: several models if it asks for them, and what
 * the clients send and keep.
 * @throws UserError naming the method if it throws, or returns something else than its contract
 * says
 */
export function startPersonal(
  { name, method }: Pick<NamedMethod, "name" | "method">,
  state: TrialState,
  rng: Stream,
): TrialState {
  const { params, ask } = state;
  if (ask === "end") return state;
  const trained = ask.expects ?? shapesOf(params);
  const whose = `personal method '${name}'`;
  const call = <T>(what: string, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw new UserError(`${whose} cannot start: ${what}: ${errorMessage(error)}`);
    }
  };
  const names = [...trained.keys()];
  const sent: unknown = call("sends", () => method.sends?.(names) ?? names);
  if (!Array.isArray(sent) || sent.length === 0 || !sent.every((one) => trained.has(one as string)))
    throw new UserError(
      `${whose}: sends: expected at least one of the modules ${names.join(", ")}, got ${Array.isArray(sent) ? excerpt(sent.join(", ")) || "none" : describeValue(sent)}`,
    );
  const shared = new Map([...params].filter(([module]) => trained.has(module)));
  const own: unknown = call("start", () => method.start?.(shared) ?? new Map());
  if (!(own instanceof Map))
    throw new UserError(
      `${whose}: start: expected a Map of tensors by module, got ${describeValue(own)}`,
    );
  const { models } = method;
  return {
    ...state,
    params: models
      ? spreadModels(params, new Set(names), models, rng.at("init").at("models"))
      : params,
    ask: { ...ask, expects: new Map([...trained].filter(([module]) => sent.includes(module))) },
    own: shapesOf(own as Params),
  };
}
