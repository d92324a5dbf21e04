// An agent's turn of alberdice with networks: twenty Adam steps on three perceptrons, next to
// PyTorch.
import alberdice from "@fedclair/alberdice";
import {
  compressSamples,
  environmentOf,
  initialNetworks,
  takeTurn,
} from "@fedclair/alberdice/internal";
import { stream } from "@fedclair/linalg";

export const title = "alberdice, learner network, next to PyTorch";

const settings = { hidden: 32, learningRate: 5e-3, steps: 20, alpha: 1, gamma: 0.99 };
/** Turns in one run. */
const turns = 4;

export async function* items() {
  const environment = { name: "bridge", random: 250, optimal: 250 };
  const options = alberdice.schema.parse({
    environment,
    learner: { name: "network" },
    alphaFirst: 1,
    alphaLast: 0.05,
    sweeps: 40,
  });
  const game = environmentOf(options);
  const rng = stream("bench alberdice");
  const samples = compressSamples(await game.draw(rng.at("data")));
  const networks = initialNetworks(game, settings.hidden, rng.at("networks"));
  const peerOptions = {
    ...settings,
    turns,
    actions: game.shape.actions,
    features: samples.states.map((state) => game.features(state)),
    rows: samples.rows.map(({ state, next, actions, reward, share }) => {
      return [state, next, ...actions, reward, share];
    }),
  };
  yield {
    name: `one step of three networks, ${samples.states.length} states, ${samples.rows.length} transitions`,
    sides: {
      fedclair: {
        run: async () => {
          for (let i = 0; i < turns; i++) await takeTurn(game, samples, networks, i % 2, settings);
        },
        per: turns * settings.steps,
      },
      PyTorch: { peer: "alberdice", options: peerOptions, per: turns * settings.steps },
    },
  };
}
