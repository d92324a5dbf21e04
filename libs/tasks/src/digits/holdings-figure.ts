import { readCachedMnist } from "#digits-source";
import type { ClientsInFigure, FigureInput, TaskFigure } from "@fedclair/core";
import { atInt, item } from "@fedclair/linalg";
import { encode } from "fast-png";
import { holdings } from "./holdings.js";
import { inputAt, type Examples } from "../perceptron/examples.js";
import { choose, type Collection } from "./images.js";
import { digitsSchema } from "./options.js";

/** Rows of the figure. */
const maxClients = 10;

/** Pixels of an image's side, and of a row with its gap. */
const side = 28;
const rowHeight = 34;

/** Room for the number of digits behind a row, in pixels. */
const countRoom = 60;

/**
 * Draws digits of some clients, in the order of their classes: what a client has to learn from.
 * Only MNIST is drawn: a report may be passed on, and nobody's own images should be in it.
 */
export async function holdingsFigures({
  task,
  clients,
  width,
}: FigureInput): Promise<TaskFigure[]> {
  const entries = Object.entries(task).filter(([key]) => key !== "name");
  const options = digitsSchema.parse(Object.fromEntries(entries));
  const data = options.source === "mnist" ? await readCachedMnist() : undefined;
  if (!data) return [];
  const partOf = holdings(options, data, clients.count);
  const shown = chooseClients(clients).map((index) => {
    const truth = clients.truth(index);
    return {
      client: clients.name(index) + (truth === "benign" ? "" : ` · ${truth}`),
      truth,
      held: sortByClass(choose(data, partOf(index))),
    };
  });
  const labelRoom = Math.min(170, 16 + 6.2 * Math.max(...shown.map(({ client }) => client.length)));
  const columns = Math.max(4, Math.floor((width - labelRoom - countRoom) / side));
  const values = shown.map(({ held, ...one }) => {
    const digits = held.labels.length;
    const classes = countClasses(held, data);
    return {
      ...one,
      digits,
      classes: classes.join(" "),
      picture: drawStrip(held, columns),
      about: `${one.client}: ${digits.toLocaleString("en-US")} digits, of 0 to 9: ${classes.join(", ")}`,
    };
  });
  const across = columns * side;
  const y = {
    field: "client",
    type: "nominal",
    sort: null,
    title: null,
    axis: { domain: false, ticks: false, labelLimit: labelRoom - 10 },
  };
  return [
    {
      name: "holdings",
      title: "Digits that clients hold",
      caption: `Evenly drawn from the digits that the trial deals out to each client, in the order of their classes; a client trains on four fifths of them. ${clients.count > shown.length ? `${shown.length} of ${clients.count.toLocaleString("en-US")} clients. ` : ""}Attacks that change labels leave the images as they are.`,
      spec: {
        width: across + countRoom,
        height: rowHeight * values.length,
        data: { values },
        transform: [{ calculate: "'of ' + format(datum.digits, ',')", as: "count" }],
        layer: [
          {
            mark: { type: "image", width: across, height: side, aspect: false },
            encoding: {
              x: { value: across / 2 },
              y,
              url: { field: "picture", type: "nominal" },
              description: { field: "about" },
            },
          },
          {
            mark: { type: "text", align: "left", color: "#666666" },
            encoding: { x: { value: across + 8 }, y, text: { field: "count", type: "nominal" } },
          },
        ],
      },
    },
  ];
}

/** Chooses clients in their order: the first contaminated ones, at most half, and benign ones. */
function chooseClients({ count, truth }: ClientsInFigure): number[] {
  const contaminated: number[] = [];
  const others: number[] = [];
  for (let index = 0; index < count && others.length < maxClients; index++) {
    if (truth(index) === "benign") others.push(index);
    else if (contaminated.length < maxClients / 2) contaminated.push(index);
  }
  return [...contaminated, ...others.slice(0, maxClients - contaminated.length)].sort(
    (a, b) => a - b,
  );
}

function sortByClass(held: Examples): Examples {
  const order = [...held.labels.keys()].sort(
    (a, b) => atInt(held.labels, a) - atInt(held.labels, b) || a - b,
  );
  return {
    ...held,
    places: Int32Array.from(order, (i) => atInt(held.places, i)),
    labels: Int32Array.from(order, (i) => atInt(held.labels, i)),
  };
}

function countClasses({ labels }: Examples, { classes }: Collection): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = item(counts, label) + 1;
  return counts;
}

/** Draws evenly chosen digits beside each other, black on white, as the address of a PNG image. */
function drawStrip(held: Examples, columns: number): string {
  const count = Math.min(columns, held.labels.length);
  const width = columns * side;
  const data = new Uint8Array(width * side).fill(255);
  for (let c = 0; c < count; c++) {
    const image = inputAt(held, Math.floor(((c + 0.5) * held.labels.length) / count));
    const most = image instanceof Uint8Array ? 255 : 1;
    for (const [p, ink] of image.entries()) {
      // Sixteen greys compress to half of the size.
      const grey = 17 * (15 - Math.round((15 * ink) / most));
      data[Math.floor(p / side) * width + c * side + (p % side)] = grey;
    }
  }
  const png = encode({ width, height: side, channels: 1, data });
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}
