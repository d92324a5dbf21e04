import {
  readNumbers,
  toDense,
  UserError,
  type TensorDelta,
  type Tensor,
  type Update,
} from "@fedclair/core";
import { checkValue } from "@fedclair/core/internal";
import { addScaled, multiplyNT, type Matrix } from "@fedclair/linalg";
import {
  clair,
  clairSchema,
  refine,
  type ClairOptions,
  type ClairResult,
} from "../../src/index.js";
import { type Refined } from "../../src/refine/common-outside.js";
import {
  asFields,
  asList,
  asNumber,
  jsonToTensor,
  type Fields,
  type Report,
  type Tolerance,
} from "@fedclair/core/cases";
import { computeWeights } from "@fedclair/rules";
import { computeShrunkShare } from "./shrunk-share.js";

/** Kinds clair and clairCentered: one round of updates, and the complete result of CLAIR for it. */
export async function runClair(testCase: Fields, report: Report): Promise<void> {
  const options = parseOptions(testCase);
  const updates = toUpdates(testCase);
  const memory = Object.entries(asFields(testCase.memory, "memory")).map(
    ([id, value]): [string, number] => [id, asNumber(value, `memory.${id}`)],
  );
  const result = await clair(updates, options, { memory: new Map(memory) });
  const tol = asFields(testCase.tol, "tol");
  for (const [field, expected] of Object.entries(asFields(testCase.expect, "expect"))) {
    const check = checks[field];
    if (check === undefined) report.fail(field, "no such result of this kind of case");
    else await check({ report, updates, result, options, expected, tol });
  }
}

interface Check {
  readonly report: Report;
  readonly updates: readonly Update[];
  readonly result: ClairResult;
  readonly options: ClairOptions;
  readonly expected: unknown;
  readonly tol: Fields;
}

/** The check for each field of `expect`. */
const checks: Readonly<Record<string, (checked: Check) => void | Promise<void>>> = {
  status: ({ report, result, expected }) => {
    for (const [id, status] of Object.entries(asFields(expected, "status"))) {
      const computed = result.status.get(id);
      // The reference has no status undecided and reports such clients as benign.
      report.equal(`status.${id}`, computed === "undecided" ? "benign" : computed, status);
    }
  },
  detection: ({ report, result, expected }) => {
    report.equal("detection", result.canFlag, expected);
  },
  rank: ({ report, result, expected }) => {
    for (const [module, rank] of Object.entries(asFields(expected, "rank"))) {
      report.equal(`rank.${module}`, result.spaces.get(module)?.rank, rank);
    }
  },
  projector: ({ report, result, expected, tol }) => {
    const tolerance = { abs: readTolerance(tol, "projectorAbs", 1e-7), rel: 0 };
    for (const [module, sides] of Object.entries(asFields(expected, "projector"))) {
      for (const [side, projector] of Object.entries(asFields(sides, module))) {
        const space = result.spaces.get(module);
        const basis = side === "left" ? space?.left : side === "right" ? space?.right : undefined;
        const got = basis && multiplyNT(basis, basis).toRows();
        report.near(`projector.${module}.${side}`, got, projector, tolerance);
      }
    }
  },
  scores: ({ report, result, expected, tol }) => {
    for (const [id, score] of Object.entries(asFields(expected, "scores"))) {
      report.near(`scores.${id}`, result.verdicts.get(id)?.score, score, readScoreTolerance(tol));
    }
  },
  threshold: ({ report, result, expected, tol }) => {
    report.near(
      "threshold",
      [...result.verdicts.values()][0]?.threshold,
      expected,
      readScoreTolerance(tol),
    );
  },
  gap: ({ report, result, expected, tol }) => {
    report.near("gap", result.gap, expected, readScoreTolerance(tol));
  },
  refined: async (checked) => {
    const { report, expected, tol } = checked;
    const tolerance = { abs: readTolerance(tol, "refinedAbs", 1e-6), rel: 0 };
    const refined = await refine(checked.result, checked.options);
    for (const [mode, clients] of Object.entries(asFields(expected, "refined"))) {
      for (const [id, modules] of Object.entries(asFields(clients, mode))) {
        for (const [name, entries] of Object.entries(asFields(modules, id))) {
          const module = refined.get(name);
          const share = module && readShare(mode, () => shrunkShareOf(name, module, checked));
          const got = module && toRefinedMatrix(module, id, share)?.toRows();
          report.near(`refined.${mode}.${id}.${name}`, got, entries, tolerance);
        }
      }
    }
  },
  shrink: async (checked) => {
    const { report, expected, tol } = checked;
    const tolerance = { abs: readTolerance(tol, "refinedAbs", 1e-6), rel: 0 };
    const refined = await refine(checked.result, checked.options);
    for (const [name, share] of Object.entries(asFields(expected, "shrink"))) {
      const module = refined.get(name);
      const got = module && shrunkShareOf(name, module, checked);
      report.near(`shrink.${name}`, got, share, tolerance);
    }
  },
};

/** Returns the share of the mean outside the space that a mode of the reference hands out. */
function readShare(mode: string, shrunk: () => number): number {
  if (mode === "mean") return 1;
  if (mode === "zero") return 0;
  if (mode === "shrink") return shrunk();
  throw new UserError(`refined: unknown mode ${mode}, expected mean, zero or shrink`);
}

function shrunkShareOf(
  name: string,
  { personal, shared }: Refined,
  { updates, result, options }: Check,
): number {
  if (shared === undefined) return 0;
  const matrices = result.pooled.map(({ id }) => {
    const change = updates.find(({ clientId }) => clientId === id)?.delta.get(name);
    const inside = personal.get(id);
    if (change === undefined || inside === undefined) throw new UserError(`no ${name} of ${id}`);
    return { change: toDense(change), inside: toDense(inside) };
  });
  return computeShrunkShare(
    matrices.map(({ change }) => change),
    matrices.map(({ inside }) => inside),
    toDense(shared),
    computeWeights(result.pooled, options.weighting),
  );
}

/**
 * Null in a case means the default. `clipOff` belongs to the reference alone: the case that sets it
 * expects no refined change.
 */
function parseOptions({ config, kind }: Fields): ClairOptions {
  const given = Object.entries(asFields(config, "config")).filter(
    ([key, value]) => value !== null && key !== "clipOff",
  );
  const { rank = "auto", ...others } = Object.fromEntries(given);
  const { data, faults } = checkValue<ClairOptions>(clairSchema, {
    rule: "gap", // the specification's
    ...(kind === "clairCentered" ? { centered: true } : {}),
    rank,
    ...others,
  });
  if (data) return data;
  throw new UserError(`config: ${faults.join("; ")}`);
}

/** Converts the clients of the case to updates and applies `inject`. */
export function toUpdates({ clients, inject }: Fields): Update[] {
  const updates = asList(clients, "clients").map((client, k): Update => {
    const { id, n, modules } = asFields(client, `clients[${k}]`);
    const changes = Object.entries(asFields(modules, "modules"));
    return {
      clientId: typeof id === "string" ? id : `c${String(k).padStart(2, "0")}`,
      numExamples: n === undefined || n === null ? 1 : asNumber(n, "n"),
      delta: new Map(changes.map(([name, change]) => [name, readChange(asFields(change, name))])),
      metrics: {},
    };
  });
  for (const injection of inject === undefined ? [] : asList(inject, "inject")) {
    applyInjection(updates, asFields(injection, "inject"));
  }
  return updates;
}

/**
 * Converts `{ "X" }` to a dense tensor, and `{ "B", "A", "scale" }` to the pair of scale · B · A.
 */
export function readChange({ X: dense, B: b, A: a, scale }: Fields): TensorDelta {
  if (dense !== undefined) return jsonToTensor(dense, "X");
  const factor = scale === undefined || scale === null ? 1 : asNumber(scale, "scale");
  const left = jsonToTensor(b, "B");
  return {
    b: { shape: left.shape, data: left.data.map((x) => factor * x) },
    a: jsonToTensor(a, "A"),
  };
}

/** Writes a number that JSON cannot express (NaN, Infinity) at row i, column j. */
function applyInjection(updates: readonly Update[], injection: Fields): void {
  const { client, module, field = "X", i, j, value } = injection;
  const change = updates.find(({ clientId }) => clientId === client)?.delta.get(String(module));
  const tensor = change && findTensor(change, String(field));
  if (tensor === undefined) {
    throw new UserError(
      `inject: no ${String(field)} of module ${String(module)} of client ${String(client)}`,
    );
  }
  const row = asNumber(i, "inject.i");
  const column = asNumber(j, "inject.j");
  readNumbers(tensor)[row * (tensor.shape[1] ?? 1) + column] = Number(
    String(value).replace(/inf(inity)?$/i, "Infinity"),
  );
}

function findTensor(change: TensorDelta, field: string): Tensor | undefined {
  if (!("b" in change)) return field === "X" ? change : undefined;
  return field === "B" ? change.b : field === "A" ? change.a : undefined;
}

/** Π(X_k) + c·M̂ multiplied out, where c is the share; undefined for a client outside C. */
function toRefinedMatrix({ personal, shared }: Refined, id: string, share = 1): Matrix | undefined {
  const own = personal.get(id);
  if (own === undefined) return undefined;
  const out = toDense(own);
  if (shared !== undefined) addScaled(out, share, toDense(shared));
  return out;
}

function readScoreTolerance(tol: Fields): Tolerance {
  return { abs: readTolerance(tol, "scoreAbs", 2e-6), rel: readTolerance(tol, "scoreRel", 1e-6) };
}

function readTolerance(tol: Fields, key: string, fallback: number): number {
  const value = tol[key];
  return value === undefined ? fallback : asNumber(value, `tol.${key}`);
}
