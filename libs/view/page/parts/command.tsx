import { useSignal } from "@preact/signals";

/** A command that the reader can copy, where the browser lets a page do so. */
export function Command({ text }: { readonly text: string }) {
  const isCopied = useSignal(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    isCopied.value = true;
  };
  return (
    <>
      <code>{text}</code>{" "}
      {isSecureContext && (
        <button class="copy" type="button" onClick={() => void copy()}>
          {isCopied.value ? "copied" : "copy"}
        </button>
      )}
    </>
  );
}
