// Writes the small tables of each task's trial own-data. They are simulated, except for the texts.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stream } from "@fedclair/linalg";
import { trialFile } from "./shipped.js";

const root = join(import.meta.dirname, "..");
const folderOf = (task) => join(root, dirname(trialFile(`${task}/own-data`)), "data");

/** Writes rows as CSV into the folder of a task. */
async function writeTable(task, name, header, rows) {
  const folder = folderOf(task);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), [header, ...rows].map((row) => row.join()).join("\n") + "\n");
}

/** Images of 6×6 pixels in 0 … 9 with noise: a row, a column or a diagonal, from six writers. */
function drawShapes() {
  const rng = stream("own digits");
  const shapes = {
    row: (i, j, at) => i === at,
    column: (i, j, at) => j === at,
    diagonal: (i, j, at) => (i + j) % 6 === at,
  };
  return Array.from({ length: 270 }, (_, k) => {
    const shape = Object.keys(shapes)[k % 3];
    const at = rng.int(6);
    const pixels = Array.from({ length: 36 }, (_, p) => {
      const inside = shapes[shape](Math.floor(p / 6), p % 6, at);
      return (inside ? 5 : 0) + rng.int(5);
    });
    return [shape, `writer ${Math.floor(k / 3) % 6}`, ...pixels];
  });
}

/** Pupils of twelve schools: two marks that depend on three inputs, with slopes by school. */
function drawPupils() {
  const rng = stream("own linear regression");
  return Array.from({ length: 12 }, (_, school) => {
    const [a, b] = [0.3 * rng.normal(), 0.3 * rng.normal()];
    return Array.from({ length: 30 }, () => {
      const [before, hours, age] = rng.normals(3);
      const maths = (1 + a) * before + 0.5 * hours + 0.4 * rng.normal();
      const english = (0.8 + b) * before - 0.3 * age + 0.4 * rng.normal();
      const marks = [50 + 10 * maths, 60 + 10 * english].map((x) => x.toFixed(1));
      return [
        school + 1,
        (5 + before).toFixed(2),
        (6 + 2 * hours).toFixed(1),
        (15 + age).toFixed(1),
        ...marks,
      ];
    });
  }).flat();
}

/**
 * Marks of men and women at eight faculties by two panels. The strict panel marks women lower and
 * with less spread.
 */
function drawMarks() {
  const rng = stream("own evaluation bias");
  return Array.from({ length: 8 }, (_, faculty) => {
    const men = Array.from({ length: 80 }, () => ["m", "", 60 + 12 * rng.normal()]);
    const women = Array.from({ length: 120 }, (_, i) =>
      i % 2 === 0 ? ["w", "mild", 59 + 12 * rng.normal()] : ["w", "strict", 52 + 9 * rng.normal()],
    );
    return [...men, ...women].map(([group, panel, mark]) => [
      `faculty ${faculty + 1}`,
      group,
      panel || (rng.int(2) === 0 ? "mild" : "strict"),
      mark.toFixed(0),
    ]);
  }).flat();
}

/** The edges of the true graph between eight sensors: a ring with two chords. */
const edges = [...Array.from({ length: 8 }, (_, i) => [i, (i + 1) % 8]), [0, 4], [2, 6]];
const sensors = Array.from({ length: 8 }, (_, i) => `s${i}`);

/** Signals of six sites that diffuse over the graph, exp(A/2)·z to the third power of A. */
function drawSignals() {
  const rng = stream("own graph");
  const spread = (x) => {
    const sums = new Float64Array(8);
    for (const [i, j] of edges) {
      sums[i] += x[j];
      sums[j] += x[i];
    }
    return sums;
  };
  return Array.from({ length: 6 }, (_, site) =>
    Array.from({ length: 100 }, () => {
      let term = rng.normals(8);
      const signal = term.map((x) => 20 + x);
      for (let k = 1; k <= 3; k++) {
        term = spread(term).map((x) => x / (2 * k));
        term.forEach((x, i) => (signal[i] += x));
      }
      return [`site ${site + 1}`, ...[...signal].map((x) => x.toFixed(1))];
    }),
  ).flat();
}

/** Points near a tilted circle in space. */
function drawCircle() {
  const rng = stream("own transport");
  return Array.from({ length: 400 }, () => {
    const angle = 2 * Math.PI * rng.uniform();
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    return [x, y, x - y].map((c) => (10 * (c + 0.08 * rng.normal())).toFixed(1));
  });
}

/**
 * Episodes of two steps at eight sites, with random actions. Two carriers first have to choose
 * different doors; then, if they did, both have to lift.
 */
function drawEpisodes() {
  const rng = stream("own play");
  const choose = (names) => [names[rng.int(2)], names[rng.int(2)]];
  return Array.from({ length: 8 * 20 }, (_, episode) => {
    const doors = choose(["left", "right"]);
    const apart = doors[0] !== doors[1];
    const moves = choose(["lift", "wait"]);
    const lifted = moves.filter((move) => move === "lift").length;
    const site = `site ${(episode % 8) + 1}`;
    return [
      [site, episode, "doors", ...doors, apart ? 1 : 0],
      [site, episode, apart ? "apart" : "together", ...moves, apart ? [0, -1, 2][lifted] : 0],
    ];
  }).flat();
}

/** The first ten amendments of the constitution of the United States, in the public domain. */
const amendments = [
  "Congress shall make no law respecting an establishment of religion, or prohibiting the free exercise thereof; or abridging the freedom of speech, or of the press; or the right of the people peaceably to assemble, and to petition the Government for a redress of grievances.",
  "A well regulated Militia, being necessary to the security of a free State, the right of the people to keep and bear Arms, shall not be infringed.",
  "No Soldier shall, in time of peace be quartered in any house, without the consent of the Owner, nor in time of war, but in a manner to be prescribed by law.",
  "The right of the people to be secure in their persons, houses, papers, and effects, against unreasonable searches and seizures, shall not be violated, and no Warrants shall issue, but upon probable cause, supported by Oath or affirmation, and particularly describing the place to be searched, and the persons or things to be seized.",
  "No person shall be held to answer for a capital, or otherwise infamous crime, unless on a presentment or indictment of a Grand Jury, except in cases arising in the land or naval forces, or in the Militia, when in actual service in time of War or public danger; nor shall any person be subject for the same offence to be twice put in jeopardy of life or limb; nor shall be compelled in any criminal case to be a witness against himself, nor be deprived of life, liberty, or property, without due process of law; nor shall private property be taken for public use, without just compensation.",
  "In all criminal prosecutions, the accused shall enjoy the right to a speedy and public trial, by an impartial jury of the State and district wherein the crime shall have been committed, which district shall have been previously ascertained by law, and to be informed of the nature and cause of the accusation; to be confronted with the witnesses against him; to have compulsory process for obtaining witnesses in his favor, and to have the Assistance of Counsel for his defence.",
  "In Suits at common law, where the value in controversy shall exceed twenty dollars, the right of trial by jury shall be preserved, and no fact tried by a jury, shall be otherwise re-examined in any Court of the United States, than according to the rules of the common law.",
  "Excessive bail shall not be required, nor excessive fines imposed, nor cruel and unusual punishments inflicted.",
  "The enumeration in the Constitution, of certain rights, shall not be construed to deny or disparage others retained by the people.",
  "The powers not delegated to the United States by the Constitution, nor prohibited by it to the States, are reserved to the States respectively, or to the people.",
];

async function writeTexts() {
  const folder = folderOf("text-copy");
  await mkdir(folder, { recursive: true });
  const lines = amendments.map((text, i) => JSON.stringify({ amendment: i + 1, text }));
  await writeFile(join(folder, "amendments.jsonl"), lines.join("\n") + "\n");
}

const pixels = Array.from({ length: 36 }, (_, p) => `p${p}`);
await writeTable("digits", "shapes.csv", ["shape", "writer", ...pixels], drawShapes());
const pupil = ["school", "before", "hours", "age", "maths", "english"];
await writeTable("linear-regression", "pupils.csv", pupil, drawPupils());
await writeTable("evaluation-bias", "marks.csv", ["faculty", "sex", "panel", "mark"], drawMarks());
await writeTable("graph-learning", "signals.csv", ["site", ...sensors], drawSignals());
const named = edges.map((edge) => edge.map((i) => sensors[i]));
await writeTable("graph-learning", "edges.csv", ["from", "to"], named);
await writeTable("value-driven-transport", "circle.csv", ["x", "y", "z"], drawCircle());
const step = ["site", "episode", "state", "first", "second", "reward"];
await writeTable("alberdice", "carriers.csv", step, drawEpisodes());
await writeTexts();
