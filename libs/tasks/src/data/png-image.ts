import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";
import { convertIndexedToRgb, decode } from "fast-png";

/** An image as bytes, row by row; the channels of a pixel are neighbours. */
export interface Image {
  /** Rows, columns and channels: 1 for grey, 3 for colour. Transparency is dropped. */
  readonly shape: readonly [number, number, number];
  readonly bytes: Uint8Array;
}

/** The most pixels of an image. A larger one would not fit a model of this project. */
const mostPixels = 1 << 22;

/**
 * Decodes a PNG image of 8 or 16 bits per sample, or with a palette. Node.js and browsers use this
 * decoder, so that both have the same bytes.
 * @throws UserError with its path
 */
export function decodePng(file: Uint8Array, path: string): Image {
  requireFewPixels(file, path);
  try {
    return toImage(decode(file));
  } catch (error) {
    throw new UserError(`source: ${path}: cannot be read as PNG: ${errorMessage(error)}`);
  }
}

/**
 * Checks the size of an image. It is at a fixed place, so that a huge image is rejected before it
 * is unpacked.
 * @throws UserError with its path
 */
export function requireFewPixels(file: Uint8Array, path: string): void {
  const header = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const pixels = file.length < 24 ? 0 : header.getUint32(16) * header.getUint32(20);
  if (pixels > mostPixels) {
    throw new UserError(
      `source: ${path}: expected at most ${mostPixels} pixels, got ${pixels}: make the image smaller`,
    );
  }
}

function toImage(png: ReturnType<typeof decode>): Image {
  const { width, height, depth, palette } = png;
  const data = palette ? convertIndexedToRgb(png) : png.data;
  const channels = data.length / (width * height);
  if (!palette && depth < 8)
    throw new Error(`expected 8 bits per sample, got ${depth}: convert it`);
  // An even number of channels includes transparency.
  const kept = channels > 2 ? 3 : 1;
  const shift = depth === 16 ? 8 : 0;
  const bytes = new Uint8Array(width * height * kept);
  for (let i = 0; i < bytes.length; i++) {
    const sample = data[Math.floor(i / kept) * channels + (i % kept)] ?? 0;
    bytes[i] = sample >> shift;
  }
  return { shape: [height, width, kept], bytes };
}

/** An image with its name, for messages. */
export interface NamedImage extends Image {
  readonly name: string;
}

/** @throws UserError if an image has another size than the first */
export function requireSameSize({ name, shape }: NamedImage, first: NamedImage): void {
  if (String(shape) === String(first.shape)) return;
  throw new UserError(
    `source: ${name} has ${shape.join("×")} numbers, ${first.name} ${first.shape.join("×")}: expected images of one size and kind`,
  );
}
