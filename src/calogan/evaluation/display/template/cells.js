// Cells of the readout layers: where they are, and the solids that they fill. All lengths in mm.

const LONGEST_ARC = Math.PI / 24;

/** Give each layer its number, and the number of its first cell in the list of all cells. */
function numbered(layers) {
  let first = 0;
  return layers.map((layer, number) => {
    const n = layer.shape[0] * layer.shape[1];
    first += n;
    return { ...layer, number, n, first: first - n, reach: layer.r ? layer.r.at(-1) : layer.half };
  });
}

function layerOf(layers, cell) {
  let low = 0, high = layers.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (layers[middle].first <= cell) low = middle; else high = middle - 1;
  }
  return layers[low];
}

/** The two indices of a cell in its layer's image. */
function indices(layer, cell) {
  const inLayer = cell - layer.first;
  return [Math.floor(inLayer / layer.shape[1]), inLayer % layer.shape[1]];
}

/** Points [x, y] along an arc. */
function arc(radius, from, to) {
  const steps = Math.max(1, Math.ceil((to - from) / LONGEST_ARC - 1e-9));
  return Array.from({ length: steps + 1 }, (_, k) => {
    const alpha = from + (to - from) * k / steps;
    return [radius * Math.cos(alpha), radius * Math.sin(alpha)];
  });
}

/** A cell as the beam sees it: two edges opposite of each other, with equally many points. */
function edges(layer, cell) {
  const [i, j] = indices(layer, cell);
  if (layer.r) {
    const step = 2 * Math.PI / layer.shape[0];
    const from = i * step - Math.PI;
    return [arc(layer.r[j], from, from + step), arc(layer.r[j + 1], from, from + step)];
  }
  const [dx, dy] = layer.shape.map((n) => 2 * layer.half / n);
  const [x, y] = [i * dx - layer.half, j * dy - layer.half];
  return [[[x, y], [x, y + dy]], [[x + dx, y], [x + dx, y + dy]]];
}

/** Centre of a cell, as the layer's x_mm and y_mm: that of its area. */
function centre(layer, cell) {
  const [i, j] = indices(layer, cell);
  const z = (layer.z[0] + layer.z[1]) / 2;
  if (!layer.r) {
    return [(2 * i + 1) / layer.shape[0] - 1, (2 * j + 1) / layer.shape[1] - 1]
      .map((x) => x * layer.half).concat(z);
  }
  const [r, R] = [layer.r[j], layer.r[j + 1]];
  const half = Math.PI / layer.shape[0];
  const radius = 2 / 3 * (R ** 3 - r ** 3) / (R ** 2 - r ** 2) * Math.sin(half) / half;
  const alpha = (2 * i + 1) * half - Math.PI;
  return [radius * Math.cos(alpha), radius * Math.sin(alpha), z];
}

/** The cell of a layer at a point; -1 beside all of them. */
function cellAt(layer, x, y) {
  const [n, m] = layer.shape;
  let i, j;
  if (layer.r) {
    const radius = Math.hypot(x, y);
    i = Math.min(Math.floor((Math.atan2(y, x) / (2 * Math.PI) + 0.5) * n), n - 1);
    j = layer.r.findLastIndex((edge) => edge <= radius);
  } else {
    i = Math.floor((x / layer.half + 1) / 2 * n);
    j = Math.floor((y / layer.half + 1) / 2 * m);
  }
  return i >= 0 && i < n && j >= 0 && j < m ? layer.first + i * m + j : -1;
}

/** Where a point of the calorimeter is in a scene: the beam to the right, y up. */
const inScene = (x, y, z) => [z, x, y];

/** The cells beside a cell, in the order of `Solids.add`; -1 where there is none. */
function neighbours(layers, layer, cell) {
  const [n, m] = layer.shape;
  const [i, j] = indices(layer, cell);
  const beside = (k, l) => (k >= 0 && k < n && l >= 0 && l < m ? layer.first + k * m + l : -1);
  const inI = layer.r && n > 1 ? [beside((i + n - 1) % n, j), beside((i + 1) % n, j)] : [beside(i - 1, j), beside(i + 1, j)];
  const inJ = [beside(i, j - 1), beside(i, j + 1)];
  const inZ = [-1, 1].map((step) => {
    const other = layers[layer.number + step];
    return other && continues(layer, other) ? other.first + cell - layer.first : -1;
  });
  return layer.r ? [...inJ, ...inI, ...inZ] : [...inI, ...inJ, ...inZ];
}

/** Whether two layers have the same cells and touch each other. */
function continues(layer, other) {
  const [before, after] = layer.number < other.number ? [layer, other] : [other, layer];
  return Math.abs(before.z[1] - after.z[0]) < 1e-6 && String(layer.shape) === String(other.shape)
    && layer.half === other.half && String(layer.r) === String(other.r);
}

/** Triangles of the solids that cells fill, in the arrays of a Mesh3d; `cells` has each vertex's. */
class Solids {
  constructor() {
    Object.assign(this, { x: [], y: [], z: [], i: [], j: [], k: [], intensity: [], cells: [] });
  }

  /** Add a cell: of its sides at the inner and outer edge, between their starts and their ends, in
   * front and behind, those that are `open`. */
  add(layer, cell, intensity, open) {
    const [inner, outer] = edges(layer, cell);
    const start = this.x.length;
    inner.forEach((point, k) => {
      for (const [x, y] of [point, outer[k]]) {
        for (const end of layer.z) {
          const place = inScene(x, y, end);
          this.x.push(place[0]); this.y.push(place[1]); this.z.push(place[2]);
          this.intensity.push(intensity);
          this.cells.push(cell);
        }
      }
    });
    // four vertices for each point of the edges: inner front, inner back, outer front, outer back
    for (let k = 0; k + 1 < inner.length; k++) {
      const [a, b] = [start + 4 * k, start + 4 * k + 4];
      if (open[0]) this.side(a, b, b + 1, a + 1);
      if (open[1]) this.side(a + 2, a + 3, b + 3, b + 2);
      if (open[4]) this.side(a, a + 2, b + 2, b);
      if (open[5]) this.side(a + 1, b + 1, b + 3, a + 3);
    }
    const last = start + 4 * (inner.length - 1);
    if (open[2]) this.side(start, start + 1, start + 3, start + 2);
    if (open[3]) this.side(last, last + 2, last + 3, last + 1);
  }

  side(a, b, c, d) {
    this.i.push(a, a); this.j.push(b, c); this.k.push(c, d);
  }
}
