import { UserError, type Task, type TaskPlugin } from "@fedclair/core";
import { formatCount, withoutChecks, type ChosenData } from "../data/chosen-files.js";
import { readChosenImages } from "./chosen-images.js";
import { countWithheld, minimumPerClient } from "./holdings.js";
import { namedClasses, pixels as mnistPixels } from "./images.js";
import { countImages, createOpener, digits } from "./index.js";
import type { DigitsOptions } from "./options.js";

/**
 * Makes the task train on images that the user of a browser tab has chosen. The tab is one client,
 * which holds all of them, whatever its index. The trial says what the classes are.
 * @param chosen undefined if nothing was chosen
 */
export function withChosenDigits(chosen: ChosenData | undefined): TaskPlugin {
  return {
    ...digits,
    ...withoutChecks,
    create: (options: DigitsOptions) =>
      chosen ? createTask(options, chosen) : createWithout(options),
  };
}

async function createTask(options: DigitsOptions, chosen: ChosenData): Promise<Task> {
  const { source, partition } = options;
  if (partition.by === "natural") {
    throw new UserError(
      "a tab trains on images of its own if the trial's data do not name clients, and this trial has partition: { by: natural }: join without them, or change the trial",
    );
  }
  const classes = namedClasses(source);
  if (!classes) {
    throw new UserError(
      "a tab trains on images of its own if the trial names the classes, as source: { …, classes: [cat, dog] }, and this one does not: join without them, or change the trial",
    );
  }
  const columns = source === "mnist" ? { label: "label" } : source.columns;
  const { data, read } = await readChosenImages(chosen, columns, classes);
  if (source === "mnist" && data.pixels !== mnistPixels) {
    const [, size = ""] = read.facts.find(([name]) => name === "size") ?? [];
    throw new UserError(
      `source: ${read.name}: expected images like those of MNIST, 28×28 pixels in grey (${mnistPixels} numbers), got ${size}: convert them`,
    );
  }
  const own: DigitsOptions = {
    ...options,
    source: { file: read.name, columns, classes: [...classes] },
    partition: { by: "iid" },
    // The coordinator has pre-trained the base on images of its own.
    baseDigits: 0,
  };
  const count = data.labels.length;
  const needed = countWithheld(own, count).uniform + minimumPerClient;
  if (count < needed) {
    throw new UserError(
      `source: ${read.name}: expected at least ${needed} images, because uniformDigits of the trial withholds ${needed - minimumPerClient} from training, got ${count}: choose more`,
    );
  }
  const { trained, heldOut, uniform } = countImages(own, data, 1);
  chosen.onRead({
    ...read,
    facts: [
      ...read.facts,
      ["trained on", formatCount(trained)],
      ["measured on", formatCount(heldOut + uniform)],
    ],
  });
  return {
    start: () => Promise.reject(new Error("a tab does not start a trial")),
    openShard: createOpener(own, data, { holdsAll: true }),
  };
}

async function createWithout(options: DigitsOptions): Promise<Task> {
  const { source } = options;
  const classes = namedClasses(source);
  if (source === "mnist" || !classes) return await digits.create(options as never);
  throw new UserError(
    `this trial trains on images: choose a folder with .png images in a folder per class, or a CSV file with one image per row and the column ${source.columns.label}; the classes are ${classes.join(", ")}`,
  );
}
