import { scaleModule, UserError } from "@fedclair/core";
import {
  asFields,
  asList,
  asNumber,
  jsonToTensor,
  type Fields,
  type KindHandler,
  type Report,
} from "@fedclair/core/cases";
import { alie, alieDeviations } from "../../src/attacks/alie/index.js";
import { ipm } from "../../src/attacks/ipm/index.js";
import { minMax } from "../../src/attacks/min-max/index.js";

/** The kinds of CLAIR's reference cases that concern attacks, by their name in the file. */
export const attackKinds: ReadonlyMap<string, KindHandler> = new Map([["attack", runAttack]]);

type Results = Readonly<Record<string, unknown>>;

/**
 * Computes, for each method, the attackers' update from the flattened benign updates and the case's
 * params.
 */
const rules: Readonly<
  Record<string, (benign: readonly Float64Array[], params: Fields) => Results>
> = {
  alie: (benign, { K: clients, m }) => {
    const z = alieDeviations(asNumber(clients, "K"), asNumber(m, "m"));
    return { vector: alie(benign, z), z };
  },
  ipm: (benign, { eps }) => ({ vector: ipm(benign, asNumber(eps, "eps")) }),
  minMax: (benign) => ({ ...minMax(benign) }),
  signFlip: (benign, { c, index }) => ({ vector: scaleOwn(benign, index, -asNumber(c, "c")) }),
  scaling: (benign, { c, index }) => ({ vector: scaleOwn(benign, index, asNumber(c, "c")) }),
};

function runAttack(testCase: Fields, report: Report): void {
  const method = String(testCase.method);
  const rule = rules[method];
  if (rule === undefined) {
    report.fail("method", `no function yet for kind attack (method ${method})`);
    return;
  }
  const benign = asList(testCase.benign, "benign").map((v, k) =>
    Float64Array.from(jsonToTensor(v, `benign[${k}]`).data),
  );
  const results = rule(benign, asFields(testCase.params, "params"));
  const { abs = 1e-7, rel = 0 } = asFields(testCase.tol, "tol");
  const tolerance = { abs: asNumber(abs, "tol.abs"), rel: asNumber(rel, "tol.rel") };
  for (const [field, expected] of Object.entries(asFields(testCase.expect, "expect"))) {
    const got = results[field];
    report.near(field, got instanceof Float64Array ? [...got] : got, expected, tolerance);
  }
}

/** The update of a client that multiplies its own by a factor. */
function scaleOwn(benign: readonly Float64Array[], index: unknown, factor: number): unknown {
  const own = benign[asNumber(index, "index")];
  if (own === undefined) throw new UserError(`index: no benign update ${String(index)}`);
  const scaled = scaleModule({ shape: [own.length], data: own }, factor);
  return "data" in scaled ? scaled.data : undefined;
}
