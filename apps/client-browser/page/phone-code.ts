import { encode } from "uqr";

/**
 * Encodes the address of a page as a QR code, without what is behind its `#`, which may be a token.
 * @returns undefined if other machines cannot open the page
 */
export function phoneCode(href: string) {
  const { hostname, origin, pathname } = new URL(href);
  if (/^(localhost|127\..*|\[::1\])$/.test(hostname)) return undefined;
  const address = origin + pathname;
  const { data, size } = encode(address, { border: 2 });
  const squares = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])),
  );
  return { address, size, path: squares.join("") };
}
