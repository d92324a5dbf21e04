import { cp, mkdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Aggregation } from "@fedclair/core";
import {
  candidateKinds,
  makeCandidate,
  scaleTerms,
  type CandidateParts,
} from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import { measureLosses, type Measured, type MeasureOptions } from "../refine/measure-losses.js";
import { createTemporaryFolder } from "../refine/temporary-folder.js";
import type { SentRound } from "./read-round.js";
import { writeTargets, type Target, type Written } from "./write-targets.js";

/** What a client can get. Of equal losses the first is chosen. */
export const offeredKinds = ["global", ...candidateKinds] as const;

export type OfferedKind = (typeof offeredKinds)[number];

/** The losses that `--evaluate` measured. */
export interface Evaluation {
  readonly command: string;
  readonly clients: readonly Measured<OfferedKind>[];
}

/** The adapter of a client that can be refined. */
export interface RefinedTarget extends Target {
  readonly client: string;
}

/**
 * Writes the version with the lowest loss for each client: the adapter for all, its own, or a
 * refined one.
 * @param out has `global` already
 * @param targets with the refined changes of the clients
 * @throws UserError if the command fails for a version
 */
export async function handOutMeasured(
  out: string,
  { adapters, updates }: Pick<SentRound, "adapters" | "updates">,
  { change: mean }: Pick<Aggregation, "change">,
  targets: readonly RefinedTarget[],
  options: MeasureOptions,
): Promise<{ readonly evaluation: Evaluation; readonly written: readonly Written[] }> {
  const deltas = new Map(updates.map(({ clientId, delta }) => [clientId, delta]));
  const modules = new Map([...adapters.values()][0]?.modules);
  const temporary = await createTemporaryFolder(options.signal);
  const folderOf = (kind: OfferedKind, { client }: RefinedTarget) =>
    join(temporary.path, kind, client);
  try {
    const written = new Map<string, Written>();
    for (const kind of candidateKinds) {
      const shares = new Map<number, CandidateParts["mean"]>();
      const scaleMean = (share: number) => {
        const scaled = shares.get(share) ?? scaleTerms(mean, share);
        shares.set(share, scaled);
        return scaled;
      };
      const candidates = targets.map((target): Target => {
        const own = deltas.get(target.client);
        const parts = { own: own ? [own] : [], mean, refined: target.terms };
        const terms = makeCandidate(kind, parts, scaleMean);
        return { ...target, name: join(kind, target.client), terms };
      });
      const all = await writeTargets(temporary.path, candidates, modules);
      candidates.forEach(({ name }, k) => written.set(name, item(all, k)));
    }
    await mkdir(join(temporary.path, "global"));
    for (const target of targets) {
      await symlink(resolve(out, "global"), folderOf("global", target));
    }
    const named = targets.map((target) => ({ ...target, name: target.client }));
    const clients = await measureLosses(named, offeredKinds, folderOf, options);
    for (const [k, { chosen }] of clients.entries()) {
      const target = item(targets, k);
      const to = join(out, target.name);
      await cp(folderOf(chosen, target), to, { recursive: true, dereference: true });
    }
    return {
      evaluation: { command: options.command.text, clients },
      written: clients.flatMap(({ name, chosen }) => written.get(join(chosen, name)) ?? []),
    };
  } finally {
    await temporary.remove();
  }
}
