// Runs of the study, each kept in a file, so that it can be stopped and go on.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { runTrialFile } from "../clair/federations.js";
import { hashCode, hashFiles, listPackages } from "../support/hash-code.js";

/** The built code that the numbers depend on. */
const packages = listPackages(["libs/runs", "libs/rules", "libs/tasks", "libs/clair"]);

/**
 * What a run of a federation differs in.
 * @typedef {object} Run
 * @property {number} rate
 * @property {object} aggregator
 * @property {object} [personal]
 * @property {readonly object[]} attacks
 * @property {number} seed
 */

/** A run's result: the measurements of its benign clients in the last round. */
export class Runs {
  #folder;
  #plugins;

  /**
   * @param {string} folder where results are kept
   * @param {import("@fedclair/core").Plugins} plugins
   */
  constructor(folder, plugins) {
    this.#folder = folder;
    this.#plugins = plugins;
  }

  /**
   * Runs a trial of this folder, unless its result is there.
   * @param {string} federation
   * @param {Run} run
   * @returns {Promise<readonly { own: number, common: number }[]>} one entry for each benign client
   */
  async of(federation, { rate, aggregator, personal, attacks, seed }) {
    const file = `studies/personal/${federation}.yaml`;
    const set = [
      `seed=${seed}`,
      `task.dataSeed=${seed}`,
      `task.learningRate=${rate}`,
      `aggregator=${JSON.stringify(aggregator)}`,
      ...(personal ? [`personal=${JSON.stringify(personal)}`] : []),
      `attacks=${JSON.stringify(attacks)}`,
    ];
    const code = hashCode(packages.map((name) => `${name}/dist/src`));
    const key = createHash("sha256").update([hashFiles([file]), code, ...set].join("\n"));
    const path = join(this.#folder, `${key.digest("hex").slice(0, 24)}.json`);
    if (existsSync(path)) return JSON.parse(await readFile(path, "utf8"));
    const result = await this.#run(file, set);
    await mkdir(this.#folder, { recursive: true });
    await writeFile(path, JSON.stringify(result));
    return result;
  }

  /** Runs a trial. One that loses its clients because their numbers overflow has accuracy 0. */
  async #run(file, set) {
    /** @type {readonly import("@fedclair/core/internal").ClientRecord[]} */
    let last = [];
    try {
      for await (const { record } of runTrialFile(file, this.#plugins, set)) last = record.clients;
    } catch (error) {
      if (error.code !== "quorum") throw error;
      return [{ own: 0, common: 0 }];
    }
    return last
      .filter(({ attack }) => attack === null)
      .map(({ evaluation }) => ({
        own: evaluation.accuracy,
        common: evaluation.uniformAccuracy,
      }));
  }
}
