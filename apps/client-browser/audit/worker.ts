/* Audits in a worker, so that the page stays usable; there, files are read synchronously. */
import {
  auditAdapters,
  drawAuditPage,
  findAdapters,
  formatJson,
  parseClairOptions,
} from "@fedclair/audit";
import type { ChosenFile } from "@fedclair/plugins/browser";
import { listRoots } from "../page/chosen-files.js";
import { useNodeMath } from "../page/node-math.js";
import { mount } from "./node/fs.js";

/** What the worker tells its page. */
export type Message =
  | { readonly kind: "progress"; readonly text: string; readonly share?: number }
  | { readonly kind: "done"; readonly page: string; readonly json: string }
  | { readonly kind: "failed"; readonly why: string };

const scope = self as unknown as {
  postMessage(message: Message): void;
  onmessage: (event: { readonly data: readonly ChosenFile[] }) => void;
};

scope.onmessage = ({ data }) => {
  audit(data).then(
    (message) => {
      scope.postMessage(message);
    },
    (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      // Paths are shown as the visitor has chosen them, without the folder that holds them here.
      scope.postMessage({ kind: "failed", why: why.replaceAll("'/", "'") });
    },
  );
};

async function audit(files: readonly ChosenFile[]): Promise<Message> {
  useNodeMath();
  for (const { path, content } of files) mount(`/${path}`, content as File);
  const paths = listRoots(files);
  const options = parseClairOptions([]);
  const progress = (text: string, share?: number) => {
    scope.postMessage({ kind: "progress", text, ...(share !== undefined && { share }) });
  };
  // Several folders are searched like one that holds them: some may be no adapters.
  const found = await findAdapters([paths.length === 1 ? `/${paths.join("")}` : "/"]);
  const result = await auditAdapters(found, {
    clair: options,
    log: (line) => {
      progress(line);
    },
    onProgress: (done, all, what) => {
      if (done < all) progress(`${done} of ${all} ${what}`, done / all);
      else progress(`${all} ${what}, judging …`);
    },
  });
  const page = await drawAuditPage({ audit: result, options, paths });
  return { kind: "done", page, json: formatJson(result, options) };
}
