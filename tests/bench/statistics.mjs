// Two-sample tests and effect sizes, for samples of thousands.

/** The samples as one sorted list of `[value, from the first]`. */
function merged(a, b) {
  const all = [...a.map((value) => [value, true]), ...b.map((value) => [value, false])];
  return all.sort(([x], [y]) => x - y);
}

/** Kolmogorov-Smirnov: the largest distance of the distributions, and how often chance alone makes a larger one. */
export function kolmogorovSmirnov(a, b) {
  const all = merged(a, b);
  let [below, above, distance] = [0, 0, 0];
  all.forEach(([value, first], at) => {
    if (first) below += 1;
    else above += 1;
    // Equal values are one step.
    if (at + 1 === all.length || all[at + 1][0] !== value) distance = Math.max(distance, Math.abs(below / a.length - above / b.length));
  });
  const size = Math.sqrt((a.length * b.length) / (a.length + b.length));
  const lambda = (size + 0.12 + 0.11 / size) * distance;
  if (lambda < 0.3) return { distance, p: 1 }; // the series does not converge there
  let p = 0;
  for (let term = 1; term <= 100; term += 1) p += 2 * (-1) ** (term - 1) * Math.exp(-2 * term * term * lambda * lambda);
  return { distance, p: Math.min(1, Math.max(0, p)) };
}

/**
 * Mann-Whitney, with ties and the normal approximation. `delta` is Cliff's: how much more often a value of `a` is larger
 * than one of `b` than the other way round, -1 to 1; `above` the common-language effect, 0 to 1.
 */
export function mannWhitney(a, b) {
  const all = merged(a, b);
  let [ranks, ties] = [0, 0];
  for (let at = 0; at < all.length; ) {
    let end = at;
    let mine = 0;
    for (; end < all.length && all[end][0] === all[at][0]; end += 1) mine += all[end][1] ? 1 : 0;
    const count = end - at;
    ranks += mine * (at + 1 + end) * 0.5;
    ties += count ** 3 - count;
    at = end;
  }
  const [n, m] = [a.length, b.length];
  const u = ranks - (n * (n + 1)) / 2;
  const sum = n + m;
  const spread = Math.sqrt(((n * m) / 12) * (sum + 1 - ties / (sum * (sum - 1))));
  const z = spread === 0 ? 0 : (u - (n * m) / 2) / spread;
  const above = u / (n * m);
  return { z, p: 2 * tail(Math.abs(z)), delta: 2 * above - 1, above };
}

/** The upper tail of the normal distribution (Abramowitz and Stegun 26.2.17, to 7.5e-8). */
function tail(z) {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** The value that this part of the sample lies below. */
export function quantile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** Shuffles in place. */
export function shuffle(list) {
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [list[at], list[other]] = [list[other], list[at]];
  }
  return list;
}
