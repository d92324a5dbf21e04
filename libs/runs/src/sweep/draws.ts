import type { TaskPlugin } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import { z } from "zod";
import { listItems } from "../outcome/verdict.js";

/** The option of a task that seeds its data and their partition. */
const option = "dataSeed";

/**
 * Does each seed of a study draw its own data? Its `dataSeed` is then the seed. Without this the
 * intervals of a study would only cover one draw of the data.
 * @param content the content of the trial file: it fixes the data if it sets `dataSeed`
 * @param task undefined if there is none of that name
 */
export function drawsData(content: unknown, task: Schema | undefined): boolean {
  return !setsDataSeed(content) && task !== undefined && hasOption(toJson(task.schema));
}

type Schema = Pick<TaskPlugin, "schema">;

/** Gives a trial of a study the data of its seed, if its seeds draw them. */
export function drawData(trial: Trial, content: unknown, task: Schema | undefined): Trial {
  return drawsData(content, task)
    ? { ...trial, task: { ...trial.task, [option]: trial.seed } }
    : trial;
}

function setsDataSeed(content: unknown): boolean {
  const { task } = (content ?? {}) as { readonly task?: unknown };
  return typeof task === "object" && task !== null && Object.hasOwn(task, option);
}

const known = new WeakMap<z.ZodType, z.core.JSONSchema._JSONSchema>();

/** Converts a schema once, because a sweep may have thousands of trials. */
function toJson(schema: z.ZodType): z.core.JSONSchema._JSONSchema {
  const json = known.get(schema) ?? z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  known.set(schema, json);
  return json;
}

function hasOption(schema: z.core.JSONSchema._JSONSchema): boolean {
  if (typeof schema === "boolean") return false;
  const { properties = {}, anyOf = [], oneOf = [], allOf = [] } = schema;
  return Object.hasOwn(properties, option) || [...anyOf, ...oneOf, ...allOf].some(hasOption);
}

/** A trial of a study, with the content of its file and the plug-in of its task. */
export interface DrawnTrial {
  readonly trial: Trial;
  readonly content: unknown;
  readonly plugin: Schema;
}

/** Says for each task what is redrawn for each seed, and therefore what the intervals cover. */
export function listDrawNotes(trials: readonly DrawnTrial[]): string[] {
  const attacks = trials.flatMap(({ trial }) => trial.attacks);
  const drawsClients = attacks.some(({ clients }) => clients === undefined);
  const notes = trials.map(({ trial: { task }, content, plugin }) => {
    const isFixed = setsDataSeed(content);
    const isOpen = drawsData(content, plugin);
    const drawn = [
      ...(isOpen ? ["data", "partition"] : []),
      ...(drawsClients ? ["contaminated clients"] : []),
    ];
    return [
      ...(drawn.length === 0
        ? []
        : [`Redrawn for each seed, as far as random: ${listItems(drawn)}.`]),
      ...(isFixed
        ? ["task.dataSeed fixes data and partition, so the intervals do not cover other draws."]
        : []),
      ...(isFixed || isOpen
        ? []
        : [`The task ${task.name} has no dataSeed: its data may be the same in all seeds.`]),
      ...(drawsClients || attacks.length === 0
        ? []
        : ["The contaminated clients are the same in all seeds."]),
    ].join(" ");
  });
  return [...new Set(notes)];
}
