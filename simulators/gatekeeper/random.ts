/**
 * Random numbers that a seed decides: the same seed gives the same run on every machine.
 */

export type Random = {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, below). */
  below(below: number): number;
  /** Standard normal. */
  normal(): number;
};

/** FNV-1a of the seed's characters, spread over 32 bits; `salt` gives independent streams of one seed. */
const hash32 = (seed: string, salt: number): number => {
  let hash = (0x811c9dc5 ^ salt) >>> 0;
  for (let index = 0; index < seed.length; index += 1) hash = Math.imul(hash ^ seed.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
};

/** sfc32 of Chris Doty-Humphrey's PractRand: small, fast, 128 bits of state. */
export const createRandom = (seed: string): Random => {
  let [a, b, c, counter] = [hash32(seed, 1), hash32(seed, 2), hash32(seed, 3), 1];
  const next32 = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round += 1) next32();
  const next = () => next32() / 4_294_967_296;
  return {
    next,
    below: (below) => Math.floor(next() * below),
    // Box and Muller; 1 - u keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
};
