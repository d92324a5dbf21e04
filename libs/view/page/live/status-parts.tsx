import type { ComponentChildren } from "preact";
import type { Status } from "../../src/data/protocol.js";

/** A status with a shape, so that it does not depend on colour. */
export function StatusMark({ status }: { readonly status: Status }) {
  return <span class={`status ${status}`}>{status}</span>;
}

/** The head of every page. */
export function Head({ children }: { readonly children?: ComponentChildren }) {
  return (
    <header class="top">
      <a class="home" href="#/">
        fedclair
      </a>
      {children}
    </header>
  );
}
