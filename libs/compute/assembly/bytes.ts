/** Converts bytes to numbers in 0 … 1. @param count a multiple of 4 */
export function inUnits(bytes: usize, count: usize, units: usize): void {
  const most = f32x4.splat(255);
  for (let i: usize = 0; i < count; i += 4) {
    const short = i16x8.extend_low_i8x16_u(v128.load32_zero(bytes + i));
    const whole = f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(short));
    // Divide instead of multiplying by 1/255, to get the correctly rounded quotient, as in
    // JavaScript.
    v128.store(units + 4 * i, f32x4.div(whole, most));
  }
}
