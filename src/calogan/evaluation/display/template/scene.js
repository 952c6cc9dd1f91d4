// The calorimeter in three dimensions.

const OPACITIES = [1, 0.7, 0.3, 0.1, 0.05];
/* of the brightest decade of cells, and of each decade below it, so that the core is seen */

const CAMERAS = {
  reset: { eye: [-1.28, -1.56, 0.78], up: [0, 0, 1] },
  side: { eye: [0, -2.3, 0], up: [0, 0, 1] },
  front: { eye: [-2.3, 0, 0], up: [0, 0, 1] },
};

/** A camera, farther away where the scene is narrow. */
function camera(name, element) {
  const vector = ([x, y, z]) => ({ x, y, z });
  const { eye, up } = CAMERAS[name];
  const away = Math.max(1, 1.25 * element.clientHeight / element.clientWidth);
  return { eye: vector(eye.map((x) => x * away)), up: vector(up), center: vector([0, 0, -0.08]) };
}

function line(points, color, width, more = {}) {
  const places = points.map((point) => (point ? inScene(...point) : [null, null, null]));
  return {
    type: "scatter3d", mode: "lines", hoverinfo: "skip", line: { color, width }, ...more,
    x: places.map((p) => p[0]), y: places.map((p) => p[1]), z: places.map((p) => p[2]),
  };
}

const square = (half) => [[-half, -half], [half, -half], [half, half], [-half, half], [-half, -half]];

/** Lines around a volume: the shape at both ends, and lines between them. */
function frame(shape, z, between) {
  const points = [];
  for (const end of z) points.push(...shape.map(([x, y]) => [x, y, end]), null);
  for (let k = 0; k < between; k++) {
    const [x, y] = shape[Math.round(k * (shape.length - 1) / between)];
    points.push([x, y, z[0]], [x, y, z[1]], null);
  }
  return points;
}

/** Layers one behind another with the same outline are one block. */
function blocks(layers) {
  const found = [];
  for (const layer of layers) {
    const last = found.at(-1);
    const joins = last && last.reach === layer.reach && !last.r === !layer.r
      && Math.abs(last.z[1] - layer.z[0]) < 1e-6;
    if (joins) last.z = [last.z[0], layer.z[1]];
    else found.push({ reach: layer.reach, r: layer.r, z: [...layer.z] });
  }
  return found;
}

function outline(page, layers, whole) {
  const drawn = [];
  const shape = (volume) => (volume.r ? arc(volume.reach, -Math.PI, Math.PI) : square(volume.reach));
  const points = blocks(layers).flatMap((block) => frame(shape(block), block.z, 4));
  drawn.push(line(points, "#7d8894", 2));
  if (layers.length <= 12) {
    const between = layers.slice(1).flatMap((l) => [...shape(l).map(([x, y]) => [x, y, l.z[0]]), null]);
    drawn.push(line(between, "#c3cad2", 1.5));
    drawn.push(layerNames(layers));
  }
  if (whole) {
    const box = frame(square(page.half_size), [-page.depth / 2, page.depth / 2], 4);
    drawn.push(line(box, "#b9703a", 2));
  }
  return drawn;
}

function layerNames(layers) {
  const places = layers.map((l) => inScene(l.reach, l.reach * (l.r ? 0.75 : 1.07), (l.z[0] + l.z[1]) / 2));
  return {
    type: "scatter3d", mode: "text", hoverinfo: "skip", text: layers.map((l) => `layer ${l.number}`),
    textfont: { color: "#5c6672", size: 12 },
    x: places.map((p) => p[0]), y: places.map((p) => p[1]), z: places.map((p) => p[2]),
  };
}

/** The incident particle, up to the front face, and its line through the calorimeter. */
function beam(page, event) {
  const front = -page.depth / 2;
  const [d, p] = [event.direction, event.position];
  if (!(d[2] > 0)) return [];
  const at = (z) => [0, 1, 2].map((k) => p[k] + d[k] / d[2] * (z - p[2]));
  const start = front - beamLength(page);
  const tip = inScene(...at(front));
  const along = inScene(...d);
  const size = 0.3 * beamLength(page);
  return [
    line([at(start), at(front - 0.9 * size)], "#e3132c", 5),
    line([at(front), at(-front)], "#e3132c", 2, { opacity: 0.5, line: { color: "#e3132c", width: 1.5, dash: "dash" } }),
    {
      type: "cone", anchor: "tip", hoverinfo: "skip", showscale: false, sizemode: "raw", sizeref: size,
      colorscale: [[0, "#e3132c"], [1, "#e3132c"]],
      x: [tip[0]], y: [tip[1]], z: [tip[2]], u: [along[0]], v: [along[1]], w: [along[2]],
    },
  ];
}

const beamLength = (page) => 0.22 * Math.max(page.depth, page.reach);

/** Cells as solids, one trace per opacity. Where two of them touch, one side is enough: that of the
 * brighter one, and none between two that are equally transparent. */
function solids(layers, hits, scale, colours) {
  const [low, high] = scale.map(Math.log10);
  const fainter = (mev) => Math.min(Math.max(Math.floor(high - Math.log10(mev)), 0), OPACITIES.length - 1);
  const groups = OPACITIES.map(() => new Solids());
  const groupOf = new Map(hits.map(([cell, mev]) => [cell, fainter(mev)]));
  for (const [cell, mev] of hits) {
    const layer = layerOf(layers, cell);
    const group = groupOf.get(cell);
    const open = neighbours(layers, layer, cell).map((other) => !(groupOf.get(other) <= group));
    groups[group].add(layer, cell, Math.max(Math.log10(mev), low), open);
  }
  const colorscale = colours.map((colour, k) => [k / (colours.length - 1), colour]);
  return groups.map(({ cells, ...mesh }, k) => ({
    type: "mesh3d", ...mesh, cells, opacity: OPACITIES[k], hoverinfo: "none", showscale: false,
    cmin: low, cmax: high, colorscale, flatshading: true,
    lighting: { ambient: 0.88, diffuse: 0.25, specular: 0, roughness: 1, fresnel: 0 },
  })).filter((trace) => trace.cells.length);
}

/** Axes with equal scales around all that is drawn. */
function sceneLayout(page, whole) {
  const reach = whole ? page.half_size : page.reach;
  const half = 0.505 * page.depth;
  const ranges = [[-half - beamLength(page), half], [-1.01 * reach, 1.01 * reach], [-1.01 * reach, 1.15 * reach]];
  const spans = ranges.map(([from, to]) => to - from);
  const unit = Math.hypot(...spans) / 2;
  const axis = (title, range) => ({
    title: { text: title, font: { size: 12 } }, range, autorange: false, nticks: 6, showspikes: false,
    showbackground: false, showgrid: false, zeroline: false, tickfont: { size: 10 }, color: "#5c6672",
  });
  return {
    xaxis: axis("z [mm]", ranges[0]), yaxis: axis("x [mm]", ranges[1]), zaxis: axis("y [mm]", ranges[2]),
    aspectmode: "manual", aspectratio: { x: spans[0] / unit, y: spans[1] / unit, z: spans[2] / unit },
    dragmode: "turntable",
  };
}
