// What attackers do beside the harm itself, which is an update uphill of twice the size.
import { addNoise, combine, cutRank, replaceModule, scale, toUpdate } from "./clients.js";

const harm = 2;

/** Sends an honest change turned round. */
function flip({ federation, honest, round }, i, name = `bad-${i}`) {
  const change = scale(federation.train(honest.length + i, round), -harm);
  return toUpdate(name, change);
}

/** Each attacker copies a victim; there are as many victims as attackers, over `each`. */
function copy({ federation, round, rng }, i, each, alter) {
  const victim = Math.floor(i / each);
  return toUpdate(`bad-${i}`, alter(federation.trainAt(victim, round), i, rng.at(i)));
}

const all = (make) => (state) => Array.from({ length: state.bad }, (_, i) => make(state, i));

/** @type {Record<string, (state: any) => any[]>} */
export const tricks = {
  "nothing else": all((state, i) => flip(state, i)),
  "no harm": all(({ federation, honest, round }, i) =>
    toUpdate(`bad-${i}`, federation.train(honest.length + i, round)),
  ),
  "new names": all((state, i) => flip(state, i, `bad-${i}-${Math.floor(state.round / 2)}`)),
  "new names each round": all((state, i) => flip(state, i, `bad-${i}-${state.round}`)),
  "joins late": (state) => (state.round < 15 ? [] : tricks["nothing else"](state)),
  "stays away": (state) => (state.round % 2 === 0 ? [] : tricks["nothing else"](state)),
  "honest at first": all((state, i) =>
    state.round < 15
      ? toUpdate(`bad-${i}`, state.federation.train(state.honest.length + i, state.round))
      : flip(state, i),
  ),
  copies: all((state, i) => copy(state, i, 1, (change) => change)),
  "copies of one": all((state, i) => copy(state, i, state.bad, (change) => change)),
  "scaled copies": all((state, i) =>
    copy(state, i, 2, (change) => scale(change, i % 2 === 0 ? 1.6 : 0.6)),
  ),
  "scaled copies of one": all((state, i) =>
    copy(state, i, state.bad, (change) => scale(change, i % 2 === 0 ? 1.6 : 0.6)),
  ),
  "noisy copies": all((state, i) =>
    copy(state, i, 1, (change, _, rng) => addNoise(change, 0.2, rng)),
  ),
  "noisy copies of one": all((state, i) =>
    copy(state, i, state.bad, (change, _, rng) => addNoise(change, 0.2, rng)),
  ),
  "rough copies of one": all((state, i) =>
    copy(state, i, state.bad, (change, _, rng) => addNoise(change, 0.6, rng)),
  ),
  "rougher copies of one": all((state, i) =>
    copy(state, i, state.bad, (change, _, rng) => addNoise(change, 0.8, rng)),
  ),
  "between two": all(({ federation, round, bad }, i) => {
    const share = (i + 1) / (bad + 1);
    const terms = [
      [federation.trainAt(0, round), 1 - share],
      [federation.trainAt(1, round), share],
    ];
    return toUpdate(`bad-${i}`, combine(terms));
  }),
  "means of several": all(({ federation, round, rng }, i) => {
    const terms = Array.from({ length: 4 + i }, (_, k) => [
      federation.trainAt(k, round),
      1 / (4 + i),
    ]);
    return toUpdate(`bad-${i}`, addNoise(combine(terms), 0.02, rng.at(i)));
  }),
  "one module of another": all(({ federation, honest, round }, i) => {
    const own = federation.train(honest.length + i, round);
    return toUpdate(`bad-${i}`, replaceModule(own, federation.trainAt(0, round), i));
  }),
  "half flips, half copies": all((state, i) =>
    i % 2 === 0 ? flip(state, i) : copy(state, i, 1, (change) => change),
  ),
  "flips that copy each other": (state) => {
    const change = scale(state.federation.train(state.honest.length, state.round), -harm);
    return Array.from({ length: state.bad }, (_, i) =>
      toUpdate(`bad-${i}`, addNoise(change, 0.05, state.rng.at(i))),
    );
  },
  zeros: all((state, i) =>
    i === 0
      ? flip(state, i)
      : toUpdate(`bad-${i}`, scale(state.federation.trainAt(0, state.round), 0)),
  ),
  "other ranks": all((state, i) =>
    toUpdate(
      `bad-${i}`,
      cutRank(scale(state.federation.train(state.honest.length + i, state.round), -harm), 2),
    ),
  ),
};
