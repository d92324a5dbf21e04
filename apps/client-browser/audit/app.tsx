import { signal } from "@preact/signals";
import { Command, PageNotice } from "@fedclair/view/parts";
import type { ChosenFile } from "@fedclair/plugins/browser";
import { listDropped, listSelected } from "../page/chosen-files.js";
import type { Message } from "./worker.js";

type Stage = { readonly kind: "waiting" } | Message;

const stage = signal<Stage>({ kind: "waiting" });
const isOver = signal(false);
let worker: Worker | undefined;
let latest: Promise<readonly ChosenFile[]> | undefined;

/** Audits what the visitor has chosen. Another choice ends the audit before. */
async function start(listing: Promise<readonly ChosenFile[]>): Promise<void> {
  worker?.terminate();
  latest = listing;
  stage.value = { kind: "progress", text: "listing files …" };
  try {
    const files = await listing;
    if (listing !== latest) return; // the visitor has chosen again meanwhile
    if (files.length === 0)
      throw new Error("there are no files in it: choose a folder of adapters");
    worker = startWorker();
    worker.postMessage(files);
  } catch (error) {
    if (listing !== latest) return;
    stage.value = { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * A worker of a file would have a policy of its own. This one has the policy of the page, which
 * forbids every connection.
 */
function startWorker(): Worker {
  const script = `import ${JSON.stringify(new URL("worker.js", location.href).href)};`;
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const started = new Worker(address, { type: "module", name: "audit" });
  started.onmessage = ({ data }: MessageEvent<Message>) => {
    URL.revokeObjectURL(address); // it has been read
    stage.value = data;
  };
  started.onerror = ({ message }) => {
    stage.value = { kind: "failed", why: message || "the worker could not be started" };
  };
  return started;
}

export function App() {
  const now = stage.value;
  return (
    <>
      <header class="top">
        <a class="home" href="../index.html">
          fedclair
        </a>
        <h1 class="crumb">Audit adapters</h1>
      </header>
      <main>
        <p class="claim">
          Which of these LoRA adapters are contaminated? CLAIR compares them here: nothing leaves
          this tab.
        </p>
        <Drop />
        <div class="progress" aria-live="polite">
          {now.kind === "progress" && (
            <p>
              {now.text}
              <progress value={now.share} />
            </p>
          )}
          {now.kind === "failed" && <PageNotice isUrgent>{now.why}</PageNotice>}
          {now.kind === "done" && <Files page={now.page} json={now.json} />}
        </div>
        {now.kind === "done" ? (
          <iframe title="Report of the audit" sandbox="allow-scripts" srcdoc={now.page} />
        ) : (
          <Advice />
        )}
      </main>
    </>
  );
}

function Drop() {
  return (
    <div
      class={isOver.value ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        const { dataTransfer } = event;
        if (dataTransfer) void start(listDropped(dataTransfer));
      }}
    >
      <label>
        Drop a folder of adapters here, or choose one:{" "}
        <input
          type="file"
          {...{ webkitdirectory: true }}
          onChange={({ currentTarget }) => {
            void start(listSelected(currentTarget.files));
          }}
        />
      </label>
    </div>
  );
}

function Files({ page, json }: { readonly page: string; readonly json: string }) {
  return (
    <p class="files">
      <Download name="audit.html" type="text/html" text={page} />
      <Download name="audit.json" type="application/json" text={json} />
    </p>
  );
}

function Download({ name, type, text }: { name: string; type: string; text: string }) {
  return (
    <a
      download={name}
      href="#"
      onClick={({ currentTarget }) => {
        currentTarget.href = URL.createObjectURL(new Blob([text], { type }));
      }}
    >
      {name}
    </a>
  );
}

function Advice() {
  return (
    <>
      <p>
        The folder holds a folder for each adapter, as PEFT saves it:{" "}
        <code>adapter_config.json</code> and <code>adapter_model.safetensors</code>. Ten or more of
        one base, with the same modules, can be judged.
      </p>
      <p>The command does the same, in several threads, and reads names on a hub:</p>
      <Command text="npx fedclair audit my-adapters --html audit.html" />
    </>
  );
}
