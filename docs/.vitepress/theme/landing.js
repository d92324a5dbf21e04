import { withBase } from "vitepress";
import { h, onMounted, onUnmounted, ref } from "vue";
import { attacked, ratios } from "./scores.json";

/** What a visitor may have come for: a page, and a command that answers at once. */
const cards = [
  {
    title: "Audit a pile of adapters",
    text: "Which of them is bad? Without training anything.",
    command: "npx fedclair audit libs/audit/fixtures/adapters/presidents",
    page: "/docs/adapters",
  },
  {
    title: "Compare rules",
    text: "Aggregators against attacks, with intervals.",
    command: "npx fedclair sweep sweeps/attack-table.yaml",
    page: "/docs/paper-study",
  },
  {
    title: "Use my model",
    text: "Clients in Python, with PyTorch, PEFT or Flower.",
    command: "npx fedclair new my-clients --template python-clients",
    page: "/docs/python-clients",
  },
];

/** The first things on the first page: one sentence, the playground's marks, and three cards. */
export const Landing = {
  setup: () => () =>
    h("section", { class: "landing", "aria-label": "At a glance" }, [
      h("p", { class: "landing-line" }, [
        "Which clients of a federation are contaminated, how well do the others do, and what did it cost? ",
        h(
          "a",
          { href: withBase("/playground/index.html"), target: "_self" },
          "Try it in this browser",
        ),
        ", or look at ",
        h("a", { href: withBase("/presidents/index.html"), target: "_self" }, "a finished run"),
        " and ",
        h("a", { href: withBase("/presidents/report/report.html"), target: "_self" }, "its report"),
        ": thirty presidents of the United States, nine of them contaminated.",
      ]),
      h(MovingMarks),
      h("div", { class: "landing-cards" }, cards.map(card)),
    ]),
};

function card({ title, text, command, page }) {
  return h("div", { key: title, class: "landing-card" }, [
    h("a", { class: "landing-title", href: withBase(`${page}.html`) }, title),
    h("p", text),
    h(CopiedCommand, { command }),
  ]);
}

const CopiedCommand = {
  props: { command: { type: String, required: true } },
  setup({ command }) {
    const isCopied = ref(false);
    const copy = async () => {
      await navigator.clipboard.writeText(command);
      isCopied.value = true;
    };
    return () =>
      h("div", { class: "landing-command" }, [
        h("code", command),
        h("button", { type: "button", onClick: copy }, isCopied.value ? "copied" : "copy"),
      ]);
  },
};

/** Milliseconds that a round stays. */
const pause = 1100;

const [low, high] = [Math.log(0.02), Math.log(2)];
const place = (ratio) => 90 + (560 * (Math.log(Math.max(ratio, 0.02)) - low)) / (high - low);

/**
 * The scores of the playground's usual federation over its rounds. They walk across the threshold
 * once; whoever prefers less motion sees the last round.
 */
const MovingMarks = {
  setup() {
    const last = ratios.length - 1;
    const round = ref(last);
    let timer;
    const step = () => {
      if (round.value === last) return;
      round.value++;
      timer = setTimeout(step, pause);
    };
    const play = () => {
      clearTimeout(timer);
      round.value = 0;
      timer = setTimeout(step, pause);
    };
    onMounted(() => {
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
    });
    onUnmounted(() => clearTimeout(timer));
    return () =>
      h("figure", { class: "landing-marks" }, [
        drawMarks(ratios[round.value]),
        h("figcaption", [
          `Round ${round.value + 1} of ${ratios.length}: twenty clients and their scores over CLAIR's threshold. Six of them flip their labels (filled: flagged). `,
          h("button", { type: "button", onClick: play }, "play again"),
        ]),
      ]);
  },
};

function drawMarks(scores) {
  const marks = scores.map((ratio, client) =>
    h("circle", {
      key: client,
      class: ratio > 1 ? "flagged" : "",
      cx: place(ratio),
      cy: (attacked.includes(client) ? 18 : 62) + ((client * 5) % 13) * 2,
      r: 5,
    }),
  );
  const label = (y, text) => h("text", { x: 0, y }, text);
  const about = "Scores of twenty clients over the threshold, round by round";
  return h("svg", { viewBox: "0 0 660 120", role: "img", "aria-label": about }, [
    h("line", { x1: place(1), x2: place(1), y1: 8, y2: 98 }),
    label(34, "contaminated"),
    label(78, "benign"),
    h("text", { x: place(1), y: 114, "text-anchor": "middle" }, "threshold"),
    ...marks,
  ]);
}
