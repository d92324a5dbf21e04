import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** The width of an element, which follows the window. */
export function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const width = useSignal(600);
  useEffect(() => {
    const { current } = ref;
    if (!current) return;
    const observer = new ResizeObserver(() => (width.value = current.clientWidth));
    observer.observe(current);
    return () => {
      observer.disconnect();
    };
  }, []);
  return { ref, width: width.value };
}
