import { clairAggregator, clairSchema } from "@fedclair/aggregators";
import { roundsOf, someOf } from "../federations.js";
import { referenceRule } from "./reference-rule.js";

export const rules = ["gap", "evidence", "reference"];

/** What evidence and reference are asked for. */
export const rate = 0.01;

/**
 * The rounds of a trial, each judged by all rules: by rule, a list of { isContaminated, status, score }. It goes on with what rule
 * gap makes of a round, so that all rules see the same updates.
 */
export async function* judgedRounds(name, plugins, set) {
  let verdicts;
  const create = (options) => panelOf(options, (said) => (verdicts = said));
  const aggregators = new Map(plugins.aggregators).set("clair", { ...clairAggregator, create });
  for await (const { clients } of roundsOf(name, { ...plugins, aggregators }, set)) {
    const failed = clients.find(({ failure }) => failure !== null);
    if (failed) {
      const { clientId, failure } = failed;
      throw new Error(`${name}, ${set.join(" ")}: ${clientId} failed: ${failure.message}`);
    }
    const bad = clients.filter(({ attack }) => attack !== null).map(({ clientId }) => clientId);
    yield federationOf(verdicts, bad);
  }
}

/** The same of honest adapters of a pile, and of one to five contaminated ones unless it is to be clean. */
export async function judgedAdapters({ honest, bad }, rng, isClean) {
  let verdicts;
  const panel = panelOf(clairSchema.parse({ rank: 1 }), (said) => (verdicts = said));
  const added = isClean ? [] : rng.sample(bad, 1 + rng.int(bad.length));
  const updates = [...someOf(honest, rng), ...added];
  await panel.aggregate({ round: 1, phase: "train", updates, rng });
  return federationOf(
    verdicts,
    added.map(({ clientId }) => clientId),
  );
}

/** An aggregator that asks all rules and does what rule gap does. @param options CLAIR's @param tell is called with the verdicts, by rule */
function panelOf(options, tell) {
  const clair = (rule) => clairAggregator.create({ ...options, rule, falseAlarmRate: rate });
  const judges = {
    gap: clair("gap"),
    evidence: clair("evidence"),
    reference: referenceRule({ rank: options.rank, rate }),
  };
  return {
    async aggregate(input, states = {}) {
      const made = {};
      for (const rule of rules) {
        const own = { ...input, rng: input.rng.at(rule) };
        made[rule] = await judges[rule].aggregate(own, states[rule]);
      }
      tell(byRule((rule) => made[rule].verdicts));
      return { ...made.gap, state: byRule((rule) => made[rule].state) };
    },
  };
}

function federationOf(verdicts, bad) {
  return byRule((rule) =>
    verdicts[rule].map(({ clientId, status, score }) => {
      return { isContaminated: bad.includes(clientId), status, score };
    }),
  );
}

function byRule(of) {
  return Object.fromEntries(rules.map((rule) => [rule, of(rule)]));
}
