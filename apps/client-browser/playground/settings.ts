/** What a visitor chooses. */
export interface Setting {
  readonly attack: string;
  /** Share of contaminated clients, 0 … 0.45. */
  readonly share: number;
  readonly rule: string;
  /** How much the clients' data differ. */
  readonly data: string;
  readonly seed: number;
}

/** A value of a setting, and what it means. */
type Choice = readonly [value: string, text: string];

export const clientCount = 20;

export const attacks: readonly Choice[] = [
  ["label-flip", "labels flipped"],
  ["random-targets", "random labels"],
  ["sign-flip", "sign of the update flipped"],
  ["scaling", "update scaled up"],
  ["gaussian-update", "noise instead of an update"],
  ["free-rider", "free rider: no training"],
  ["ipm", "inner-product manipulation"],
  ["alie", "a little is enough"],
];

export const rules: readonly Choice[] = [
  ["clair", "CLAIR"],
  ["fedavg", "FedAvg: plain mean"],
  ["coordinate-median", "coordinate median"],
  ["trimmed-mean", "trimmed mean"],
  ["multi-krum", "multi-Krum"],
  ["geometric-median", "geometric median"],
  ["centered-clipping", "centered clipping"],
];

/** The Dirichlet concentration of a client's tokens. */
export const heterogeneities: readonly Choice[] = [
  ["10", "nearly alike"],
  ["0.5", "different"],
  ["0.1", "very different"],
];

export const shares: readonly Choice[] = [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45].map((share) => [
  String(share),
  `${Math.round(share * clientCount)} of ${clientCount}`,
]);

export const usual: Setting = {
  attack: "label-flip",
  share: 0.3,
  rule: "clair",
  data: "0.5",
  seed: 1,
};

/** The largest seed of a link. */
export const maxSeed = 2 ** 31 - 1;

/** Reads the setting of an address: what it does not name, or names wrongly, is as usual. */
export function parseSetting(hash: string): Setting {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const pick = (name: "attack" | "share" | "rule" | "data", choices: readonly Choice[]) => {
    const value = given.get(name);
    return choices.find(([one]) => one === value)?.[0] ?? String(usual[name]);
  };
  const seed = Number(given.get("seed") ?? "");
  return {
    attack: pick("attack", attacks),
    share: Number(pick("share", shares)),
    rule: pick("rule", rules),
    data: pick("data", heterogeneities),
    seed: Number.isInteger(seed) && seed > 0 && seed <= maxSeed ? seed : usual.seed,
  };
}

/** The part of an address that names a setting. */
export function formatSetting({ attack, share, rule, data, seed }: Setting): string {
  const query = { attack, share: String(share), rule, data, seed: String(seed) };
  return `#${new URLSearchParams(query).toString()}`;
}

/** The trial file of a setting. */
export function trialText({ attack, share, rule, data, seed }: Setting): string {
  const count = Math.round(share * clientCount);
  const baselines = ["local", "fedavg"].filter((name) => name !== rule);
  return `name: playground
seed: ${seed}
rounds: 4
clients: ${clientCount}
task: { name: text-copy, source: synthetic, concentration: ${data}, evaluationSequences: 64 }
aggregator: { name: ${rule} }
baselines:
${baselines.map((name) => `  - { label: ${name}, aggregator: { name: ${name} } }`).join("\n")}
${count === 0 ? "attacks: []" : `attacks:\n  - { attack: { name: ${attack} }, count: ${count} }`}
`;
}
