import type { ComponentChildren } from "preact";
import type { VerdictCard } from "@fedclair/runs";
import type { Status } from "../../src/data/protocol.js";

/** A status with a shape, so that it does not depend on colour. */
export function StatusMark({ status }: { readonly status: Status }) {
  return <span class={`status ${status}`}>{status}</span>;
}

/** A result at a glance; nothing if there is none yet. */
export function CardLine({ card }: { readonly card: VerdictCard | undefined }) {
  if (!card || card.parts.length === 0) return null;
  return (
    <>
      <p class={`lead card ${card.tone}`}>{card.parts.join(" · ")}</p>
      {card.who?.map((line) => (
        <p key={line} class="who">
          {line}
        </p>
      ))}
    </>
  );
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
