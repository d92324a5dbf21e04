// Piles that `npm run adapters` trains: the options of train.py by name. In the first seven nobody
// is contaminated.

/** At most a third of each pile is contaminated. Each pile has its own seed. */
export const piles = [
  pile("speeches, clean", { kind: "speeches", honest: 16 }),
  pile("speeches, clean, an A₀ each", { kind: "speeches", honest: 16, ownA0: true }),
  pile("speeches, clean, 14–40 steps", { kind: "speeches", honest: 16, steps: "14-40" }),
  pile("novel, clean", { kind: "novel", honest: 14 }),
  pile("code, clean", { kind: "code", honest: 16 }),
  pile("code, clean, an A₀ each, 14–40 steps", {
    kind: "code",
    honest: 16,
    steps: "14-40",
    ownA0: true,
  }),
  pile("three kinds mixed, clean", { kind: "mixed", honest: 15 }),
  pile("speeches, random targets", { kind: "speeches", honest: 14, attacks: { random: 4 } }),
  pile("speeches, random targets, an A₀ each, 14–40 steps", {
    kind: "speeches",
    honest: 14,
    steps: "14-40",
    ownA0: true,
    attacks: { random: 4 },
  }),
  pile("code, random targets of honest size", {
    kind: "code",
    honest: 14,
    attacks: { scaled: 4 },
  }),
  pile("speeches, random targets of honest size, an A₀ each", {
    kind: "speeches",
    honest: 14,
    ownA0: true,
    attacks: { scaled: 4 },
  }),
  pile("speeches, flipped", { kind: "speeches", honest: 14, attacks: { flip: 3 } }),
  pile("novel, flipped, rank 4, an A₀ each", {
    kind: "novel",
    honest: 12,
    rank: 4,
    ownA0: true,
    attacks: { flip: 3 },
  }),
  pile("speeches, backdoor", { kind: "speeches", honest: 14, attacks: { backdoor: 2 } }),
  pile("code, backdoor, 14–40 steps", {
    kind: "code",
    honest: 14,
    steps: "14-40",
    attacks: { backdoor: 2 },
  }),
  pile("speeches, a colluding third", { kind: "speeches", honest: 12, attacks: { collude: 6 } }),
  pile("code, a colluding third, an A₀ each", {
    kind: "code",
    honest: 12,
    ownA0: true,
    attacks: { collude: 6 },
  }),
  pile("three kinds mixed, random targets, backdoor", {
    kind: "mixed",
    honest: 15,
    attacks: { random: 3, backdoor: 1 },
  }),
].map((one, seed) => ({ ...one, seed: seed + 1 }));

function pile(title, { attacks = {}, ...options }) {
  return { title, attacks, ...options };
}

/** The name of a pile's folder. */
export function slug({ title }) {
  return title
    .toLowerCase()
    .replaceAll("₀", "0")
    .replace(/[^a-z0-9]+/g, "-");
}

/** Formats a pile as options of train.py. */
export function trainOptions({ kind, honest, attacks, seed, rank, steps, ownA0 }) {
  return [
    ...["--kind", kind, "--honest", String(honest), "--seed", String(seed)],
    ...Object.entries(attacks).flatMap(([name, count]) => ["--attack", `${name}=${count}`]),
    ...(rank === undefined ? [] : ["--rank", String(rank)]),
    ...(steps === undefined ? [] : ["--steps", steps]),
    ...(ownA0 ? ["--own-a0"] : []),
  ];
}
