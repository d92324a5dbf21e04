import { clairAggregator, clairSchema } from "@fedclair/clair";
import { runRounds, sampleBenign, withRule } from "../federations.js";
import { referenceRule } from "./reference-rule.js";

export const rules = ["gap", "evidence", "reference"];

/** False-alarm rate of the rules evidence and reference. */
export const rate = 0.01;

/**
 * Runs a trial and judges each round by all rules. Yields, by rule, a list of
 * { isContaminated, status, score }. The trial continues with the result of rule gap, so that all
 * rules see the same updates.
 */
export async function* judgeRounds(name, plugins, set) {
  let verdicts;
  const create = (options) => createPanel(options, (byRuleVerdicts) => (verdicts = byRuleVerdicts));
  const aggregators = new Map(plugins.aggregators).set("clair", { ...clairAggregator, create });
  for await (const { clients } of runRounds(name, { ...plugins, aggregators }, set)) {
    const failed = clients.find(({ failure }) => failure !== null);
    if (failed) {
      const { clientId, failure } = failed;
      throw new Error(`${name}, ${set.join(" ")}: ${clientId} failed: ${failure.message}`);
    }
    const bad = clients.filter(({ attack }) => attack !== null).map(({ clientId }) => clientId);
    yield toFederation(verdicts, bad);
  }
}

/**
 * Judges benign adapters of a pile, together with one to five contaminated ones unless `isClean`.
 */
export async function judgeAdapters({ benign, bad }, rng, isClean) {
  let verdicts;
  const panel = createPanel(
    clairSchema.parse({ rank: 1 }),
    (byRuleVerdicts) => (verdicts = byRuleVerdicts),
  );
  const added = isClean ? [] : rng.sample(bad, 1 + rng.int(bad.length));
  const updates = [...sampleBenign(benign, rng), ...added];
  await panel.aggregate({ round: 1, phase: "train", updates, rng });
  return toFederation(
    verdicts,
    added.map(({ clientId }) => clientId),
  );
}

/**
 * Creates an aggregator that runs all rules and returns the result of rule gap.
 * @param options options of CLAIR
 * @param onVerdicts is called with the verdicts by rule
 */
function createPanel(options, onVerdicts) {
  const evidence = { by: "evidence", falseAlarmRate: rate };
  const judges = {
    gap: clairAggregator.create(/** @type {never} */ (withRule(options, "gap"))),
    evidence: clairAggregator.create(
      /** @type {never} */ (clairSchema.parse({ ...options, rule: evidence })),
    ),
    reference: referenceRule({ rank: options.rank, rate }),
  };
  return {
    async aggregate(input, states = {}) {
      const aggregations = {};
      for (const rule of rules) {
        const own = { ...input, rng: input.rng.at(rule) };
        aggregations[rule] = await judges[rule].aggregate(own, states[rule]);
      }
      onVerdicts(byRule((rule) => aggregations[rule].verdicts));
      return { ...aggregations.gap, state: byRule((rule) => aggregations[rule].state) };
    },
  };
}

function toFederation(verdicts, bad) {
  return byRule((rule) =>
    verdicts[rule].map(({ clientId, status, score }) => {
      return { isContaminated: bad.includes(clientId), status, score };
    }),
  );
}

function byRule(of) {
  return Object.fromEntries(rules.map((rule) => [rule, of(rule)]));
}
