/** Characters with a meaning in LaTeX, and those that its fonts lack. */
const replacements: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  _: "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "±": "$\\pm$",
  "−": "$-$",
  "–": "--",
  "…": "\\dots{}",
  "≥": "$\\ge$",
  "≤": "$\\le$",
  "·": "$\\cdot$",
  "\u00a0": "~",
  "\u202f": "~",
};

/** Escapes a text for LaTeX. Other characters outside of Latin scripts become question marks. */
export function toLatex(text: string): string {
  return Array.from(text.replaceAll(" %", "\u00a0%"), (character) => {
    const known = replacements[character];
    if (known !== undefined) return known;
    return /[\u0020-\u007e\p{Script=Latin}]/u.test(character) ? character : "?";
  }).join("");
}
