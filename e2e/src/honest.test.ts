import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { workspace } from "./support/paths.js";

interface Client {
  readonly clientId: string;
  readonly attack: string | null;
  readonly failure: null;
  readonly verdict?: string;
  readonly pooled?: boolean;
}
interface Counts {
  readonly honest: object;
  readonly contaminated: object;
}
interface HonestTable {
  readonly countExclusions: (rounds: readonly (readonly Client[])[]) => Counts;
  readonly formatHonestTable: (trials: readonly object[]) => string;
}

const module = pathToFileURL(join(workspace, "studies/clair/honest/honest-table.js")).href;
const { countExclusions, formatHonestTable } = (await import(module)) as HonestTable;

const client = (clientId: string, attack: string | null, rest: Partial<Client> = {}): Client => ({
  clientId,
  attack,
  failure: null,
  ...rest,
});
const flagged = { verdict: "contaminated", pooled: false };
const rounds = [
  [client("a", null), client("b", null, { pooled: false }), client("c", "noise", flagged)],
  [client("a", null), client("b", null, flagged), client("c", "noise", { verdict: "benign" })],
];

describe("npm run lab -- honest", () => {
  it("counts the clients that had no influence", () => {
    assert.deepEqual(countExclusions(rounds), {
      honest: { answers: 4, excluded: 2, clients: 2, mostly: 1 },
      contaminated: { answers: 2, excluded: 1, clients: 1, mostly: 0 },
    });
  });

  it("compares a rule, seed by seed, with the first one where nobody is contaminated", () => {
    const clean = rounds.map((clients) => clients.slice(0, 2));
    const trialOf = (rule: string, attack: string, seed: number, mean: number) => {
      return { rule, attack, seed, mean, counts: countExclusions(attack ? rounds : clean) };
    };
    const trials = [1, 2].flatMap((seed) => [
      trialOf("fedavg", "", seed, 0.5 + seed / 10),
      trialOf("krum", "", seed, 0.4 + seed / 10),
      trialOf("krum", "noise", seed, 0.3 + seed / 10),
    ]);
    const [, , , clean2 = "", attacked = ""] = formatHonestTable(trials).split("\n");
    const cells = (line: string) => line.split("|").map((cell) => cell.trim());
    assert.deepEqual(cells(clean2).slice(1, 4), ["none", "krum", "0.500 ± 0 (2)"]);
    assert.match(cells(clean2)[6] ?? "", /^-0\.100 ± /);
    assert.deepEqual(cells(attacked).slice(4, 6), ["2 of 4 (0.15–0.85)", "0.500 ± 0 (2)"]);
    assert.match(cells(attacked)[6] ?? "", /^-0\.200 ± /);
  });
});
