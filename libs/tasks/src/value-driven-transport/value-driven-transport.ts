import { shapesOf, type Shard, type TaskPlugin } from "@fedclair/core";
import { contaminations } from "./client-data.js";
import { TransportClient } from "./client.js";
import { Coordinator } from "./coordinator.js";
import { figures } from "./figures.js";
import { adaptedModules } from "./lora.js";
import { moduleNames } from "./network.js";
import { schema, type Options } from "./options.js";

/**
 * Generative modelling by value-driven transport (Moreno-Muñoz, Müller and Neu, arXiv 2605.22507): samples move from a source to a
 * target down the gradient of learned value functions. A client holds samples of the target, some of them contaminated.
 * The paper was known to us by its abstract; the training is a primal-dual method derived for this platform.
 *
 * Params are W1, b1, W2, b2 and W3 of the value network, float32, input × output; all clients start every round from the
 * coordinator's. Mode `lora` answers with pairs for W1 and W2 alone: CLAIR's right side is then the space of outputs.
 */
export const valueDrivenTransport: TaskPlugin = {
  name: "value-driven-transport",
  summary: "Moves samples to the clients' distribution down the gradient of a value network.",
  schema,
  figures,
  create: (options: Options) => {
    const coordinator = new Coordinator(options);
    return {
      contaminations,
      init: (rng) => coordinator.init(rng),
      openShard: (shard: Shard) => Promise.resolve(new TransportClient(options, shard)),
      expects: (_, global) => {
        const sent: readonly string[] = options.mode === "lora" ? adaptedModules : moduleNames;
        return new Map([...shapesOf(global)].filter(([name]) => sent.includes(name)));
      },
      reduce: (state, aggregate) => Promise.resolve(coordinator.reduce(state, aggregate)),
      evaluate: (global, rng) => coordinator.evaluate(global, rng),
    };
  },
};
