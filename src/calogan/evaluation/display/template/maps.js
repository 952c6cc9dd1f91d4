// Maps of the layers as the beam's axis sees them: x to the right, y up, equal scales.

const EMPTY = "#ebedf0";
const INK = "#1b1f24";

/** A picture of one layer that says which cell the pointer is on. */
class LayerMap {
  constructor(layer, onCell, onChoose) {
    this.layer = layer;
    this.canvas = document.createElement("canvas");
    this.caption = document.createElement("figcaption");
    this.element = document.createElement("figure");
    this.element.append(this.canvas, this.caption);
    this.canvas.addEventListener("pointermove", (event) => onCell(this.cellUnder(event), event));
    this.canvas.addEventListener("pointerleave", (event) => onCell(-1, event));
    this.element.addEventListener("click", () => onChoose(layer.number));
  }

  /** Show energies, a Map from cell to MeV, in the colours that `colour` gives. */
  draw(energies, colour, marked) {
    const width = this.canvas.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    const labelled = width >= 150;
    const [left, below, right, above] = labelled ? [34, 20, 6, 6] : [1, 1, 1, 1];
    const size = width - left - right;
    const height = size + above + below;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    const pixels = size / (2 * this.layer.reach);
    this.place = { x: left + size / 2, y: above + size / 2, pixels };
    this.fillAll(context);
    for (const [cell, mev] of energies) {
      context.fillStyle = context.strokeStyle = colour(mev);
      this.trace(context, cell);
      context.fill();
      context.lineWidth = 0.4; // closes the hair lines between neighbours
      context.stroke();
    }
    if (marked >= 0) {
      this.trace(context, marked);
      context.lineWidth = 2;
      context.strokeStyle = "#e3132c";
      context.stroke();
    }
    if (labelled) this.drawTicks(context, width);
  }

  point([x, y]) {
    return [this.place.x + x * this.place.pixels, this.place.y - y * this.place.pixels];
  }

  trace(context, cell) {
    const [inner, outer] = edges(this.layer, cell);
    context.beginPath();
    for (const corner of [...inner, ...outer.toReversed()]) context.lineTo(...this.point(corner));
    context.closePath();
  }

  fillAll(context) {
    const { x, y, pixels } = this.place;
    const reach = this.layer.reach * pixels;
    context.fillStyle = EMPTY;
    context.beginPath();
    if (this.layer.r) {
      context.arc(x, y, reach, 0, 2 * Math.PI);
      if (this.layer.r[0] > 0) context.arc(x, y, this.layer.r[0] * pixels, 0, 2 * Math.PI, true);
    } else {
      context.rect(x - reach, y - reach, 2 * reach, 2 * reach);
    }
    context.fill();
  }

  drawTicks(context, width) {
    const reach = this.layer.reach;
    const step = niceStep(reach, width < 190 ? 2 : 3);
    context.fillStyle = context.strokeStyle = INK;
    context.lineWidth = 1;
    context.font = "11px system-ui, sans-serif";
    const [left, bottom] = this.point([-reach, -reach]);
    for (let k = -Math.floor(reach / step); k * step <= reach; k++) {
      const [x, y] = this.point([k * step, k * step]);
      context.beginPath();
      context.moveTo(x, bottom); context.lineTo(x, bottom + 4);
      context.moveTo(left, y); context.lineTo(left - 4, y);
      context.stroke();
      const text = String(k * step).replace("-", "\u2212");
      context.textAlign = "center"; context.textBaseline = "top";
      if (x + 12 < width) context.fillText(text, x, bottom + 6);
      context.textAlign = "right"; context.textBaseline = "middle";
      context.fillText(text, left - 6, Math.max(y, 6));
    }
  }

  cellUnder(event) {
    if (!this.place) return -1;
    const box = this.canvas.getBoundingClientRect();
    const x = (event.clientX - box.left - this.place.x) / this.place.pixels;
    const y = (this.place.y - event.clientY + box.top) / this.place.pixels;
    return cellAt(this.layer, x, y);
  }
}

/** The 1, 2 or 5 of a decade that gives fewer than `most` ticks on each side of zero. */
function niceStep(reach, most) {
  const decade = 10 ** Math.floor(Math.log10(reach));
  return [0.2, 0.5, 1, 2, 5].map((x) => x * decade).find((step) => reach / step < most);
}
