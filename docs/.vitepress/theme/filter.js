import { h, nextTick, onMounted, ref } from "vue";

/** Shows only the rows of the gallery that have a text, and the headings above them. */
export const GalleryFilter = {
  setup() {
    const wanted = ref("");
    const count = ref("");
    const show = () => {
      const text = wanted.value.trim().toLowerCase();
      let [shown, all] = [0, 0];
      for (const table of document.querySelectorAll(".vp-doc table")) {
        const rows = [...table.querySelectorAll("tbody tr")];
        for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(text);
        const own = rows.filter((row) => !row.hidden).length;
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
            placeholder: "digits, flip, privacy …",
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
