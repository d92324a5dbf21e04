import { h, nextTick, onMounted, ref } from "vue";

/** Trials of each job that are shown first: all would be fifty screens of a phone. */
const few = 3;

/**
 * Shows only the rows of the gallery that have a text, and the headings above them. Before a reader
 * asks for more, only a few of each job.
 */
export const GalleryFilter = {
  setup() {
    const wanted = ref("");
    const count = ref("");
    const opened = new Set();
    const show = () => {
      const text = wanted.value.trim().toLowerCase();
      let [shown, all] = [0, 0];
      for (const table of document.querySelectorAll(".vp-doc table")) {
        const rows = [...table.querySelectorAll("tbody tr")];
        const found = rows.filter((row) => row.textContent.toLowerCase().includes(text));
        const own = found.length;
        const isWhole = text !== "" || opened.has(table) || own <= few;
        for (const row of rows) row.hidden = !(isWhole ? found : found.slice(0, few)).includes(row);
        addMore(table, () => {
          opened.add(table);
          show();
        }).hidden = isWhole;
        const heading = table.previousElementSibling;
        table.hidden = own === 0;
        if (heading?.tagName === "H2") heading.hidden = own === 0;
        shown += own;
        all += rows.length;
      }
      count.value = text === "" ? `${all} trials` : `${shown} of ${all} trials`;
    };
    onMounted(() => nextTick(show));
    return () =>
      h("section", { class: "gallery-filter", "aria-label": "Filter" }, [
        h("label", [
          "Filter the trials ",
          h("input", {
            type: "search",
            value: wanted.value,
            placeholder: "digits, flip, noise …",
            onInput: ({ target }) => {
              wanted.value = target.value;
              show();
            },
          }),
        ]),
        h("span", { role: "status" }, ` ${count.value}`),
      ]);
  },
};

/** The button below a table that shows all of its rows. */
function addMore(table, onClick) {
  const known = table.nextElementSibling;
  if (known?.tagName === "BUTTON") return known;
  const button = document.createElement("button");
  button.textContent = `Show all ${table.tBodies[0].rows.length}`;
  button.className = "gallery-more";
  button.addEventListener("click", onClick);
  table.after(button);
  return button;
}
