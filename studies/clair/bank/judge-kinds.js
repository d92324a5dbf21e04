// What the thresholds of a bank promise for kinds of federations that it has never seen. Each kind
// counts once, and the unknown one as a kind that always has a false alarm. If kinds are
// exchangeable, n kinds with a mean share f of false alarms promise (n·f + 1)/(n + 1).
import { clairSchema, controlKinds, judgeMeasures, selectClients } from "@fedclair/clair";
import { stream } from "@fedclair/linalg";
import { groupBy } from "../../support/group-by.js";
import { markdown, sumOf } from "../../support/text.js";

const sizes = [10, 20];
/** No attackers need to be planted. */
const power = /** @type {import("@fedclair/clair").Power} */ (
  Object.fromEntries(controlKinds.map((kind) => [kind, 1]))
);

/**
 * Judges sets of clean clients of every source but pools, whose rows `judgePools` tests.
 * @param {readonly import("./sources.js").Source[]} sources
 * @param {import("@fedclair/clair").Bank} bank
 * @returns a Markdown table by rows of the bank and number of clients
 */
export function judgeKinds(sources, bank) {
  const sets = sources
    .filter(({ sets: ofPool }) => ofPool === undefined)
    .flatMap(({ name, dense, once = [] }) =>
      (dense ?? once).flatMap((measures, i) => judgeSets(name, measures, bank, i)),
    );
  const dense = sets.filter(({ row }) => row !== "pairs");
  const rows = [...groupBy(dense, ({ row, clients }) => `${row}, ${clients} clients`)].map(
    ([key, own]) => {
      const shares = [...groupBy(own, ({ kind }) => kind).values()].map(
        (ofKind) => sumOf(ofKind, "alarm") / ofKind.length,
      );
      const total = shares.reduce((sum, share) => sum + share, 0);
      const [n, worst] = [shares.length, Math.max(...shares)];
      const cells = [total / n, worst, (total + 1) / (n + 1)].map((x) => x.toFixed(3));
      return [key, n, own.length, ...cells];
    },
  );
  const heads = ["rows", "kinds", "sets", "false alarms, mean over kinds", "worst", "promise"];
  return markdown([heads, ...rows.sort()]);
}

/** Judges sets of a federation's clients that share none of them. */
function judgeSets(kind, measures, bank, place) {
  const { falseAlarmRate: rate } = /** @type {any} */ (
    clairSchema.parse({ rule: "evidence" }).rule
  );
  const everybody = [...measures.size.keys()];
  return sizes.flatMap((clients) => {
    const order = stream("kinds").at(kind, place, clients).sample(everybody, everybody.length);
    return Array.from({ length: Math.floor(order.length / clients) }, (_, i) => {
      const own = selectClients(measures, order.slice(i * clients, (i + 1) * clients));
      const judged = judgeMeasures(own, { bank, rate, required: [], power }, stream("kinds"));
      const alarm = Number(judged.clients.some(({ status }) => status === "contaminated"));
      // Variants of one task are one kind.
      return { kind: kind.split(",")[0], clients, alarm, row: rowOf(judged.scores) };
    });
  });
}

/** The rows that judge a federation. */
function rowOf({ hasSpace, fewNumbers, isDense }) {
  if (fewNumbers) return "few numbers";
  if (hasSpace) return "a space";
  return isDense ? "dense, no space" : "pairs";
}
