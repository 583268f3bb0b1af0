// Whether a polygon can be a zone: the same rules as the server's (cluster/safety/geometry.py), to be shown while drawing.

const LEAST_AREA = 1e-6;

// points: [[x, y]] in 0..1 -> null, or { fault, ...figures } for the words `fault_...`
export function polygonFault(points) {
  if (points.length < 3) return { fault: "few", n: points.length };
  if (new Set(points.map(String)).size < points.length) return { fault: "twice" };
  const crossing = firstCrossing(points);
  if (crossing) return { fault: "crosses", a: crossing[0] + 1, b: crossing[1] + 1 };
  return area(points) < LEAST_AREA ? { fault: "flat" } : null;
}

export const clampPoint = ([x, y]) => [x, y].map((value) => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4);

export function middleOfLongestEdge(points) {
  const lengths = edges(points).map(([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]));
  const longest = lengths.indexOf(Math.max(...lengths));
  const [a, b] = edges(points)[longest];
  return { at: longest + 1, point: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] };
}

function edges(points) {
  return points.map((point, index) => [point, points[(index + 1) % points.length]]);
}

function area(points) {
  return Math.abs(edges(points).reduce((sum, [[x1, y1], [x2, y2]]) => sum + x1 * y2 - x2 * y1, 0)) / 2;
}

function firstCrossing(points) {
  const all = edges(points);
  for (let i = 0; i < all.length; i += 1) {
    for (let j = i + 2; j < all.length; j += 1) {
      const neighbours = i === 0 && j === all.length - 1;
      if (!neighbours && meet(...all[i], ...all[j])) return [i, j];
    }
  }
  return null;
}

function meet(a, b, c, d) {
  if (turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0) return true;
  return onSegment(a, b, c) || onSegment(a, b, d) || onSegment(c, d, a) || onSegment(c, d, b);
}

function turn(a, b, c) {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

function onSegment(a, b, p) {
  if (Math.abs(turn(a, b, p)) > 1e-12) return false;
  const within = (axis) => Math.min(a[axis], b[axis]) <= p[axis] && p[axis] <= Math.max(a[axis], b[axis]);
  return within(0) && within(1);
}
