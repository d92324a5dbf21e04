import {
  isLowRank,
  toMatrix,
  UserError,
  type Aggregation,
  type Aggregator,
  type LowRank,
  type Delta,
  type Plugin,
  type Update,
} from "@fedclair/core";
import { addScaled, frobenius, Matrix, stream, subtract } from "@fedclair/linalg";
import { compressLowRank } from "../../src/refine/pairs.js";
import { toFactors, product } from "@fedclair/rules";
import { gramOf, squaredDistances } from "@fedclair/rules";
import { aggregatorLoaders } from "@fedclair/rules/aggregator-loaders";
import { readChange } from "./clair-kind.js";
import {
  asFields,
  asList,
  jsonToMatrix,
  asNumber,
  type Fields,
  type Report,
} from "@fedclair/core/cases";

const rules: Readonly<Record<string, Plugin<Aggregator>>> = {
  fedavgProduct: await aggregatorLoaders.fedavg(),
  flora: await aggregatorLoaders.flora(),
  fedit: await aggregatorLoaders.fedit(),
  ffa: await aggregatorLoaders["ffa-lora"](),
  fedsa: await aggregatorLoaders["fedsa-lora"](),
};

const module = "m";

/** Kind lora: one module in which every client sends a pair of factors, weighted by samples. */
export async function runLora(testCase: Fields, report: Report): Promise<void> {
  const updates = toUpdates(testCase);
  const method = String(testCase.method);
  if (method === "sqDistances") {
    const gram = await gramOf([updates.map(({ delta }) => requirePair(delta))]);
    const got = squaredDistances(gram);
    compare(testCase, report, { matrix: () => got.toRows() });
    return;
  }
  const rule = rules[method];
  if (rule === undefined) {
    report.fail("method", `no function yet for kind lora (method ${method})`);
    return;
  }
  const aggregator = rule.create({ weighting: "samples", exampleLimit: Infinity } as never);
  const aggregate = await aggregator.aggregate({
    round: 1,
    phase: "train",
    updates,
    rng: stream("cases"),
  });
  compare(testCase, report, {
    product: () => sumProducts(aggregate.change).toRows(),
    products: () =>
      updates.map(({ clientId }) => sumProducts(findPersonal(aggregate, clientId)).toRows()),
    rank: () => sharedPair(aggregate).b.shape[1],
    B: () => toMatrix(sharedPair(aggregate).b).toRows(),
    A: () => toMatrix(sharedPair(aggregate).a).toRows(),
    crossTermError: () => frobenius(subtract(sumProducts(aggregate.change), meanProduct(updates))),
  });
}

/** Kind compress: the best rank-t approximation of B·A. */
export function runCompress(testCase: Fields, report: Report): void {
  const { b, a, tail } = compressLowRank(
    jsonToMatrix(testCase.B, "B"),
    jsonToMatrix(testCase.A, "A"),
    asNumber(testCase.t, "t"),
  );
  compare(testCase, report, {
    product: () => product({ b, a }).toRows(),
    tail: () => tail,
  });
}

/** Compares every field that the case expects with the entry of `results` of the same name. */
export function compare(
  { expect, tol }: Fields,
  report: Report,
  results: Readonly<Record<string, () => unknown>>,
): void {
  const { abs = 1e-8, rel = 0 } = asFields(tol, "tol");
  const tolerance = { abs: asNumber(abs, "tol.abs"), rel: asNumber(rel, "tol.rel") };
  for (const [field, expected] of Object.entries(asFields(expect, "expect"))) {
    const result = results[field];
    if (result === undefined) report.fail(field, "no such result of this kind of case");
    else report.near(field, result(), expected, tolerance);
  }
}

function toUpdates({ clients, n }: Fields): Update[] {
  return asList(clients, "clients").map((client, k) => ({
    clientId: `c${k}`,
    numExamples: Array.isArray(n) ? asNumber(n[k], `n[${k}]`) : 1,
    delta: new Map([[module, readChange(asFields(client, `clients[${k}]`))]]),
    metrics: {},
  }));
}

function requirePair(modules: Delta | undefined): LowRank {
  const change = modules?.get(module);
  if (change === undefined || !isLowRank(change)) {
    throw new UserError("expected factors B and A");
  }
  return change;
}

function sharedPair({ change }: Aggregation): LowRank {
  return requirePair(change[0]);
}

function findPersonal({ personal }: Aggregation, clientId: string): readonly Delta[] {
  return personal?.get(clientId) ?? [];
}

/** Multiplies the terms of a change out and adds them. */
function sumProducts(terms: readonly Delta[]): Matrix {
  const products = terms.map((term) => product(toFactors(requirePair(term))));
  const out = new Matrix(products[0]?.rows ?? 0, products[0]?.cols ?? 0);
  for (const term of products) addScaled(out, 1, term);
  return out;
}

function meanProduct(updates: readonly Update[]): Matrix {
  const total = updates.reduce((count, { numExamples }) => count + numExamples, 0);
  const products = updates.map(({ delta }) => product(toFactors(requirePair(delta))));
  const out = new Matrix(products[0]?.rows ?? 0, products[0]?.cols ?? 0);
  products.forEach((matrix, k) => {
    addScaled(out, (updates[k]?.numExamples ?? 0) / total, matrix);
  });
  return out;
}
