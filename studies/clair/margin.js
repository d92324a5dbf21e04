// npm run lab -- margin [-- --seeds N --clients A,B --ranks A,B --noise A,B]
// npm run lab -- margin -- --wrong N [--from SEED]
// Shows where the shared space is certified as the only one that most clients fit. The first
// command prints, by kind and share of contaminated clients, how many rounds are certified and how
// many of these have the right space. The second draws rounds that are hard to judge until N have a
// wrong space, and counts those that are certified all the same. Both have controls in which most
// clients are contaminated, so that the certificate promises nothing.
import { certifiedMargin } from "@fedclair/clair";
import { stream } from "@fedclair/linalg";
import { wilsonInterval } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { markdown } from "../support/text.js";
import { kinds, runRound } from "./margin/rounds.js";

const { values } = parseArguments({
  options: {
    seeds: { type: "string", default: "10" },
    clients: { type: "string", default: "10,20" },
    ranks: { type: "string", default: "2,4" },
    noise: { type: "string", default: "0.02,0.05" },
    wrong: { type: "string" },
    from: { type: "string", default: "1" },
  },
});
const kindNames = /** @type {(keyof typeof kinds)[]} */ (Object.keys(kinds));
const toNumbers = (text) => text.split(",").map(Number);
/** Numbers of contaminated clients by number of clients: no, a fifth, the most that is allowed. */
const counts = (clients) => [0, Math.round(clients / 5), Math.ceil(clients / 2) - 1];

if (values.wrong === undefined) await drawMap();
else await countWrong(Number(values.wrong), Number(values.from));

async function drawMap() {
  const sizes = toNumbers(values.clients).flatMap((clients) =>
    toNumbers(values.ranks).flatMap((r) =>
      toNumbers(values.noise).map((sigma) => ({ p: 16, q: 12, r, clients, sigma })),
    ),
  );
  const rows = [];
  const total = { certified: 0, right: 0 };
  for (const size of sizes) {
    const all = [...counts(size.clients), Math.ceil(0.55 * size.clients)];
    for (const contaminated of all) {
      const cells = [];
      for (const kind of kindNames) {
        const rounds = await runRounds({ ...size, contaminated }, kind);
        const certified = rounds.filter(({ margin }) => margin > certifiedMargin);
        const right = certified.filter(({ isRight }) => isRight);
        cells.push(`${certified.length}, ${right.length}`);
        if (2 * contaminated >= size.clients) continue;
        total.certified += certified.length;
        total.right += right.length;
      }
      rows.push([`${contaminated} of ${size.clients}`, size.r, size.sigma, ...cells]);
      console.error(rows.at(-1).join(" | "));
    }
  }
  console.log(markdown([["contaminated", "rank", "noise", ...kindNames], ...rows]));
  console.log(`\n${describe("right", total.right, total.certified)}, of those with a majority`);
}

async function runRounds(size, kind) {
  const rounds = [];
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const rng = stream("margin").at(kind, size.clients, size.r, size.contaminated).at(seed);
    rounds.push(await runRound(rng, size, kind));
  }
  return rounds;
}

/** Draws hard rounds until some have a wrong space. */
async function countWrong(wanted, first) {
  const tally = new Map();
  let wrong = 0;
  for (let seed = first; wrong < wanted; seed++) {
    for (const hard of listHardRounds(seed)) {
      const { rng, size, kind, rank } = hard;
      const { margin, isRight } = await runRound(rng, size, kind, rank);
      const isMajority = 2 * size.contaminated < size.clients;
      const key = isMajority ? kind : `control: most are ${kind}`;
      const [drawn, found, certified] = tally.get(key) ?? [0, 0, 0];
      const isFalse = !isRight && margin > certifiedMargin;
      tally.set(key, [drawn + 1, found + Number(!isRight), certified + Number(isFalse)]);
      if (isMajority && !isRight) wrong++;
      if (isMajority && isFalse)
        console.error(`certified: ${JSON.stringify({ seed, size, kind, rank, margin })}`);
    }
  }
  const rows = [...tally].map(([kind, numbers]) => [kind, ...numbers]);
  console.log(markdown([["kind", "rounds", "wrong", "certified"], ...rows]));
  const falsely = rows
    .filter(([kind]) => !String(kind).startsWith("control"))
    .reduce((sum, [, , , certified]) => sum + Number(certified), 0);
  console.log(`\n${describe("certified", falsely, wrong)}, of those with a wrong space`);
}

/** Rounds of each kind whose noise and number of contaminated clients make the space uncertain. */
function listHardRounds(seed) {
  return kindNames.flatMap((kind, i) => {
    const rng = stream("wrong rounds").at(kind).at(seed);
    const draw = rng.at("size");
    const [clients, least] = [8 + draw.int(5), kind.startsWith("near") ? 2 : 1];
    const r = least + draw.int(4 - least);
    const sigma = draw.uniform() * 0.2;
    const rank = /** @type {number | "auto"} */ (draw.int(2) === 0 ? r : "auto");
    const size = { p: 10, q: 8, r, clients, sigma };
    const most = Math.ceil(clients / 2) - 1;
    const more = { ...size, contaminated: Math.floor(clients / 2) + 1 };
    return [
      { rng, size: { ...size, contaminated: most }, kind, rank },
      ...((seed + i) % 10 === 0 ? [{ rng, size: more, kind, rank }] : []),
    ];
  });
}

function describe(what, count, all) {
  const { low, high } = wilsonInterval(count, all);
  return `${what}: ${count} of ${all} (95 %: ${low.toFixed(4)} to ${high.toFixed(4)})`;
}
