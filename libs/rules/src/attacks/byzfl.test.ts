import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { item } from "@fedclair/linalg";
import { alie } from "./alie/index.js";
import { ipm } from "./ipm/index.js";

/** A case written by scripts/byzfl-cases.py: honest vectors, and what ByzFL's attackers send. */
interface Case {
  readonly honest: readonly (readonly number[])[];
  readonly innerProductManipulation: readonly number[];
  readonly signFlipping: readonly number[];
  readonly aLittleIsEnough: readonly number[];
}

const fixture = new URL("../../../fixtures/attacks/byzfl.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as { readonly cases: readonly Case[] };

/** Our attacks, with the options that make them ByzFL's. */
const attacks: Readonly<
  Record<keyof Omit<Case, "honest">, (honest: readonly Float64Array[]) => Float64Array>
> = {
  innerProductManipulation: (honest) => ipm(honest, 0.5),
  // ByzFL negates the honest mean. Our sign-flip negates the client's own update.
  signFlipping: (honest) => ipm(honest, 1),
  // ByzFL adds 1.5 sample deviations, and we subtract population deviations.
  aLittleIsEnough: (honest) => alie(honest, -1.5 * Math.sqrt(honest.length / (honest.length - 1))),
};

describe("ByzFL 0.0.11 on the same honest updates", () => {
  for (const [name, attack] of Object.entries(attacks)) {
    it(`sends the same ${name}`, () => {
      for (const c of cases) {
        const got = attack(c.honest.map((v) => Float64Array.from(v)));
        c[name as keyof typeof attacks].forEach((x, i) => {
          assert.ok(Math.abs(item(got, i) - x) <= 1e-9 * Math.max(1, Math.abs(x)));
        });
      }
    });
  }
});
