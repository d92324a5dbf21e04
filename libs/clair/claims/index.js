import { bytesClaims, bytesTable } from "./bytes.js";
import { claims } from "./theory.js";
import { figure } from "./figures.js";
import { tables } from "./tables.js";
import { textCopyClaims } from "./text-copy.js";
import { trainingClaims } from "./training.js";

export const paper = {
  name: "clair",
  page: "docs/clair-evidence.md",
  title: "CLAIR",
  claims: [...claims, ...trainingClaims, ...bytesClaims, ...textCopyClaims],
  tables: { ...tables, bytes: bytesTable },
  figure,
};
