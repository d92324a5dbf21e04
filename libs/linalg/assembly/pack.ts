/**
 * Interleaves eight lines into a panel, in which the eight numbers at the same position are
 * contiguous.
 * @param stride bytes from line to line
 * @param count numbers in a line
 */
export function interleave(lines: usize, stride: usize, count: usize, panel: usize): void {
  let at: usize = 0;
  for (const end = (count & ~1) * 8; at < end; at += 16, panel += 128) {
    let line = lines + at;
    for (let to = panel; to < panel + 64; to += 16, line += 2 * stride) {
      const one = v128.load(line);
      const other = v128.load(line + stride);
      v128.store(to, v128.shuffle<f64>(one, other, 0, 2));
      v128.store(to, v128.shuffle<f64>(one, other, 1, 3), 64);
    }
  }
  if ((count & 1) === 0) return;
  for (let line = lines + at, to = panel; to < panel + 64; to += 8, line += stride) {
    store<f64>(to, load<f64>(line));
  }
}
