// A client's round of value-driven-transport: ten Adam steps of a value network, next to PyTorch.
import { createTrainer } from "../harness/trainer.js";

export const title = "value-driven-transport, next to PyTorch";

const clients = 20;
const steps = 10;

export async function* items() {
  const { train } = await createTrainer({
    name: "transport",
    rounds: 1,
    clients,
    task: { name: "value-driven-transport", localSteps: steps },
    aggregator: { name: "fedavg" },
  });
  const per = clients * steps;
  yield {
    name: "one step of a client, of 20 clients with ten",
    sides: {
      fedclair: { run: () => train([...Array(clients).keys()]), per },
      PyTorch: { peer: "transport", options: { clients, steps }, per },
    },
  };
}
