import { asNumber, type Fields, type Report } from "@fedclair/core/cases";
import { UserError } from "@fedclair/core";
import { correction, divergences, singleStateDice, type Divergence } from "../../src/divergence.js";
import { Mulberry32 } from "@fedclair/tasks/shared";
import { compareFields, compareResults, readNumbers } from "./entry.js";

/** Checks section `prng`: draws from one generator, in the order of the fields. */
export function runPrng(entry: Fields, report: Report): void {
  const rng = new Mulberry32(asNumber(entry.seed, "seed"));
  compareFields(
    entry,
    ["seed"],
    (field) => {
      const [, bound, count] = /^(?:next|then_int(\d+)_x|then_normal_x)(\d+)$/.exec(field) ?? [];
      if (count === undefined) return undefined;
      const draw = field.startsWith("next")
        ? () => rng.next()
        : bound !== undefined
          ? () => rng.int(Number(bound))
          : () => rng.normal();
      return { got: Array.from({ length: Number(count) }, draw), tolerance: 1e-11 };
    },
    report,
  );
}

/** Checks section `f_divergence`: (f')⁻¹ at every y, f at every x. */
export function runDivergences(entry: Fields, report: Report): void {
  const y = readNumbers(entry.y, "y");
  const x = readNumbers(entry.x, "x");
  const { kl, chi2, softchi2 } = divergences;
  const near = (got: number[]) => ({ got, tolerance: 1e-9 });
  compareResults(
    entry,
    ["x", "y"],
    {
      kl: near(y.map((at) => correction(kl, at))),
      chi2_raw: near(y.map((at) => chi2.inverseSlope(at))),
      chi2_clipped: near(y.map((at) => correction(chi2, at))),
      softchi2: near(y.map((at) => correction(softchi2, at))),
      f_kl: near(x.map((at) => kl.f(at))),
      f_chi2: near(x.map((at) => chi2.f(at))),
      f_softchi2: near(x.map((at) => softchi2.f(at))),
    },
    report,
  );
}

/** Checks section `single_state_dice`. */
export function runSingleState(entry: Fields, report: Report): void {
  const known: Readonly<Record<string, Divergence>> = divergences;
  const name = String(entry.f);
  const divergence = known[name];
  if (divergence === undefined) {
    throw new UserError(`f: expected one of ${Object.keys(known).join(", ")}, got ${name}`);
  }
  const { lam, w, d } = singleStateDice(
    readNumbers(entry.reward, "reward"),
    readNumbers(entry.dD, "dD"),
    asNumber(entry.alpha, "alpha"),
    divergence,
  );
  const near = (got: unknown) => ({ got, tolerance: 1e-8 });
  compareResults(
    entry,
    ["reward", "dD", "alpha", "f"],
    { lam: near(lam), w: near(w), d: near(d) },
    report,
  );
}
