// The page: its sources, controls, and what they share.

const page = JSON.parse(document.getElementById("showers").textContent);
const layers = numbered(page.layers);
page.reach = Math.max(...layers.map((layer) => layer.reach));
const $ = (id) => document.getElementById(id);
const state = { event: 0, layer: null, threshold: page.threshold, whole: false, marked: -1 };

const count = (n) => n.toLocaleString("en");
const number = (value, digits = 4) => value.toLocaleString("en", { maximumSignificantDigits: digits });
const mev = (energy, digits) => `${number(energy, digits)} MeV`;
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.00995 ? 2 : 1)} %`;
const mm = (length) => length.toFixed(1).replace("-", "\u2212");

function colour(energy) {
  const [low, high] = page.scale.map(Math.log10);
  const share = Math.min(Math.max((Math.log10(energy) - low) / (high - low), 0), 1);
  return page.colours[Math.round(share * (page.colours.length - 1))];
}

/** One source of showers: its text, its scene, its maps. */
class Source {
  constructor(described) {
    this.described = described;
    this.element = document.createElement("section");
    this.element.className = "source";
    this.element.innerHTML = '<div class="head"><h2></h2><p></p></div>'
      + '<div class="scene"><div class="empty" hidden></div></div><div class="maps"></div>';
    this.scene = this.element.querySelector(".scene");
    const maps = this.element.querySelector(".maps");
    maps.style.setProperty("--map", layers.length > 12 ? "122px" : page.sources.length > 1 ? "165px" : "230px");
    this.maps = layers.map((layer) => new LayerMap(layer, pointAt, toggleLayer));
    maps.append(...this.maps.map((map) => map.element));
  }

  get event() { return this.described.events[state.event]; }

  /** Cells of the event that are not hidden, with their energies, for each layer. */
  visible() {
    const { cells, mev: energies } = this.event;
    const hits = layers.map(() => []);
    cells.forEach((cell, k) => {
      if (energies[k] >= state.threshold) hits[layerOf(layers, cell).number].push([cell, energies[k]]);
    });
    return hits;
  }

  energyOf(cell) {
    this.event.byCell ??= new Map(this.event.cells.map((number, k) => [number, this.event.mev[k]]));
    return this.event.byCell.get(cell) ?? 0;
  }

  show() {
    this.hits = this.visible();
    this.showText();
    this.showScene();
    this.showMaps();
  }

  showText() {
    const { event } = this;
    const sums = layers.map(() => 0);
    event.cells.forEach((cell, k) => { sums[layerOf(layers, cell).number] += event.mev[k]; });
    const total = sums.reduce((a, b) => a + b, 0);
    this.element.querySelector("h2").textContent = this.described.name;
    const several = new Set(sources.map((source) => source.event.what)).size > 1;
    this.element.querySelector("p").textContent = [
      ...(several ? [event.what] : []),
      event.number === null ? "a new shower" : `shower ${event.number} of ${count(event.n_source)}`,
      `${mev(total)} in the cells, ${percent(total / (1000 * event.energy_gev))} of the incident energy`,
      ...(event.overflow > 0 ? [`${mev(event.overflow)} beside the cells`] : []),
      `${count(event.cells.length)} of ${count(page.n_cells)} cells hit`,
    ].join(" \u00b7 ");
    this.maps.forEach((map, k) => {
      const share = total > 0 ? ` \u00b7 ${percent(sums[k] / total)}` : "";
      map.caption.innerHTML = `<b>Layer ${k}</b> <span>${mev(sums[k], 3)}${share}</span>`;
    });
    const empty = this.element.querySelector(".empty");
    empty.hidden = this.hits.some((hits) => hits.length);
    empty.textContent = total > 0 ? `No cell above ${mev(state.threshold)}` : "This shower is empty: no energy in any cell";
  }

  showScene() {
    const hits = state.layer === null ? this.hits.flat() : this.hits[state.layer];
    this.drawn = solids(layers, hits, page.scale, page.colours);
    const traces = [...this.drawn, ...outline(page, layers, state.whole), ...beam(page, this.event)];
    this.view ??= camera("reset", this.scene);
    const scene = { ...sceneLayout(page, state.whole), camera: structuredClone(this.view) };
    const layout = { scene, margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false };
    const config = { displayModeBar: false, responsive: true, scrollZoom: true };
    const first = !this.scene.data;
    this.ready = Plotly.react(this.scene, traces, layout, config).then(() => { if (first) this.listen(); });
  }

  listen() {
    const lead = (change, settled) => {
      const view = change["scene.camera"];
      if (!view || leader !== this) return;
      const key = JSON.stringify(view);
      if (settled && key === this.settled) return; // the answer to its own `look`
      if (settled) this.settled = key;
      this.view = structuredClone(view);
      // a slow browser turns its camera a little further after the last event: it is put back
      sources.forEach((other) => { if (settled || other !== this) other.follow(view); });
    };
    for (const kind of ["pointerdown", "touchstart", "wheel"]) {
      this.scene.addEventListener(kind, () => { leader = this; }, { capture: true, passive: true });
    }
    this.scene.on("plotly_relayouting", (change) => lead(change, false));
    this.scene.on("plotly_relayout", (change) => lead(change, true));
    this.scene.addEventListener("pointermove", (event) => { this.pointer = event; });
    this.scene.on("plotly_hover", ({ points: [point] }) => {
      const cell = point.data.cells?.[point.pointNumber];
      if (cell !== undefined && this.pointer) pointAt(cell, this.pointer);
    });
    this.scene.on("plotly_unhover", () => pointAt(-1));
    this.scene.addEventListener("pointerleave", () => pointAt(-1));
  }

  /** Look from where another source is looked at: one move at a time, the last one counts. */
  async follow(view) {
    this.view = this.wanted = structuredClone(view);
    if (this.moving) return;
    this.moving = true;
    while (this.wanted) {
      const next = this.wanted;
      this.wanted = null;
      await this.look(next);
    }
    this.moving = false;
  }

  look(view) { return Plotly.relayout(this.scene, { "scene.camera": structuredClone(view) }); }

  /** Draw the maps, or those of some layers. */
  showMaps(some = layers.map((layer) => layer.number)) {
    for (const number of some) {
      const map = this.maps[number];
      const { first, n } = map.layer;
      const marked = state.marked >= first && state.marked < first + n ? state.marked : -1;
      map.draw(this.hits[number], colour, marked);
      map.element.classList.toggle("chosen", number === state.layer);
    }
  }
}

/** Say what is in a cell, in all sources, beside the pointer. */
function pointAt(cell, pointer) {
  const tip = $("tip");
  tip.hidden = cell < 0;
  if (cell !== state.marked) {
    const touched = new Set([state.marked, cell].filter((c) => c >= 0).map((c) => layerOf(layers, c).number));
    state.marked = cell;
    sources.forEach((source) => source.showMaps(touched));
  }
  if (cell < 0) return;
  const layer = layerOf(layers, cell);
  const names = layer.r ? ["alpha", "r"] : ["eta", "phi"];
  const where = indices(layer, cell).map((index, k) => `${names[k]} ${index}`).join(", ");
  const [x, y] = centre(layer, cell);
  tip.replaceChildren(
    `Layer ${layer.number}, cell ${where}\nx ${mm(x)}, y ${mm(y)}, z ${mm(layer.z[0])} to ${mm(layer.z[1])} mm`,
    ...sources.flatMap((source) => {
      const energy = document.createElement("b");
      energy.textContent = mev(source.energyOf(cell));
      return [sources.length > 1 ? `\n${source.described.name}: ` : "\n", energy];
    }),
  );
  const box = tip.getBoundingClientRect();
  const right = pointer.clientX + 14 + box.width < window.innerWidth;
  tip.style.left = `${right ? pointer.clientX + 14 : Math.max(pointer.clientX - 14 - box.width, 4)}px`;
  tip.style.top = `${Math.min(pointer.clientY + 14, window.innerHeight - box.height - 4)}px`;
}

function showAll() {
  const titles = sources.map((source) => source.event.what);
  $("title").textContent = [...new Set(titles)].join(" and ");
  $("event").value = state.event;
  $("before").disabled = state.event === 0;
  $("after").disabled = state.event === page.events.length - 1;
  $("layer").value = state.layer ?? "";
  $("above").textContent = mev(state.threshold);
  sources.forEach((source) => source.show());
}

function toggleLayer(number) {
  state.layer = state.layer === number ? null : number;
  showAll();
}

/** Threshold [MeV] at a place of the slider: 0 at its start, then on a log scale. */
function thresholdAt(place) {
  const [low, high] = page.scale;
  return place > 0 ? Number((low * (high / low) ** (place / 200)).toPrecision(2)) : 0;
}

function placeOf(threshold) {
  const [low, high] = page.scale;
  return threshold > 0 ? Math.max(1, Math.round(200 * Math.log(threshold / low) / Math.log(high / low))) : 0;
}

function drawScale() {
  const [low, high] = page.scale.map(Math.log10);
  $("colours").style.background = `linear-gradient(to right, ${page.colours.join(", ")})`;
  for (let decade = Math.ceil(low - 1e-9); decade <= high + 1e-9; decade++) {
    const tick = document.createElement("span");
    tick.textContent = number(10 ** decade);
    tick.style.left = `${100 * (decade - low) / (high - low)}%`;
    $("ticks").append(tick);
  }
}

/** Do something when the browser draws next, once, however often it is asked for. */
function onceADrawing(action) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; action(); });
  };
}

let leader = null; // the source whose scene is turned by hand: the others follow it
const sources = page.sources.map((described) => new Source(described));
const showSoon = onceADrawing(showAll);

function start() {
  $("sources").className = sources.length > 1 ? "two" : "one";
  $("sources").append(...sources.map((source) => source.element));
  $("event").append(...page.events.map((text, k) => new Option(text, k)));
  $("layer").append(...layers.map((layer) => new Option(layer.number, layer.number)));
  $("events").hidden = page.events.length < 2;
  $("threshold").value = placeOf(state.threshold);
  const goTo = (event) => { state.event = event; showAll(); };
  $("event").addEventListener("change", () => goTo(Number($("event").value)));
  $("before").addEventListener("click", () => goTo(state.event - 1));
  $("after").addEventListener("click", () => goTo(state.event + 1));
  $("layer").addEventListener("change", () => {
    state.layer = $("layer").value === "" ? null : Number($("layer").value);
    showAll();
  });
  $("threshold").addEventListener("input", () => {
    state.threshold = thresholdAt(Number($("threshold").value));
    showSoon();
  });
  $("whole").addEventListener("change", () => { state.whole = $("whole").checked; showAll(); });
  for (const name of Object.keys(CAMERAS)) {
    $(name).addEventListener("click", () => {
      leader = null;
      sources.forEach((source) => source.follow(camera(name, source.scene)));
    });
  }
  window.addEventListener("resize", onceADrawing(() => sources.forEach((source) => source.showMaps())));
  drawScale();
  showAll();
}

start();
