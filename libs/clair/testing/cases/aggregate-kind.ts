import {
  bulyan,
  centeredClip,
  coordinateMedian,
  fltrust,
  geometricMedian,
  krum,
  mean,
  multiKrum,
  normClip,
  trimmedMean,
} from "@fedclair/rules";
import {
  asFields,
  asList,
  asNumber,
  jsonToTensor,
  type Fields,
  type Report,
} from "@fedclair/core/cases";
import { compare } from "./lora-kind.js";

type Results = Readonly<Record<string, unknown>>;

/** The rule of each method, applied to the flattened updates with the params of the case. */
const rules: Readonly<
  Record<string, (updates: readonly Float64Array[], params: Fields) => Results | Promise<Results>>
> = {
  mean: async (v) => ({ vector: await mean(v) }),
  coordinateMedian: async (v) => ({ vector: await coordinateMedian(v) }),
  trimmedMean: async (v, { beta }) => ({ vector: await trimmedMean(v, asNumber(beta, "beta")) }),
  krum: async (v, { f }) => ({ ...(await krum(v, asNumber(f, "f"))) }),
  multiKrum: async (v, { f, m }) => ({
    ...(await multiKrum(v, asNumber(f, "f"), readOptional(m, "m"))),
  }),
  bulyan: async (v, { f }) => ({ ...(await bulyan(v, asNumber(f, "f"))) }),
  geometricMedian: async (v, { nu }) => ({
    vector: await geometricMedian(v, readOptional(nu, "nu")),
  }),
  normClip: async (v, { c }) => ({ vector: await normClip(v, readOptional(c, "c")) }),
  centeredClip: async (v, { tau, iters }) => ({
    vector: await centeredClip(v, asNumber(tau, "tau"), readOptional(iters, "iters")),
  }),
  fltrust: async (v, { serverUpdate }) => ({
    ...(await fltrust(v, toVector(serverUpdate, "serverUpdate"))),
  }),
};

/**
 * Kind aggregate: flattened updates with equal weights, and the robust rules that CLAIR is compared
 * with.
 */
export async function runAggregate(testCase: Fields, report: Report): Promise<void> {
  const method = String(testCase.method);
  const rule = rules[method];
  if (rule === undefined) {
    report.fail("method", `no function yet for kind aggregate (method ${method})`);
    return;
  }
  const updates = asList(testCase.updates, "updates").map((v, k) => toVector(v, `updates[${k}]`));
  const results = Object.entries(await rule(updates, asFields(testCase.params, "params")));
  compare(
    testCase,
    report,
    Object.fromEntries(results.map(([name, value]) => [name, () => toPlain(value)])),
  );
}

function toVector(value: unknown, name: string): Float64Array {
  return Float64Array.from(jsonToTensor(value, name).data);
}

/** Reads a number; null and undefined both mean the default of the rule. */
function readOptional(value: unknown, name: string): number | undefined {
  return value === undefined || value === null ? undefined : asNumber(value, name);
}

function toPlain(value: unknown): unknown {
  return value instanceof Float64Array ? [...value] : value;
}
