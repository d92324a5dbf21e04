// A client's round of text-copy: 15 Adam steps on adapters of a small Transformer, next to PyTorch.
import { createTrainer } from "../harness/trainer.js";

export const title = "text-copy, next to PyTorch";

const clients = 64;
const steps = 15;

export async function* items() {
  const { train, backend } = await createTrainer({
    name: "text-copy",
    rounds: 1,
    clients,
    task: { name: "text-copy" },
    aggregator: { name: "fedavg" },
  });
  const other = (how) => {
    return { peer: "text_copy", options: { how, clients }, per: clients * steps };
  };
  yield {
    name: "one step of a client, of 64 clients with 15",
    backend,
    sides: {
      fedclair: { run: () => train([...Array(clients).keys()]), per: clients * steps },
      "PyTorch eager": other("eager"),
      "PyTorch vmap": other("vmap"),
    },
  };
}
