"use strict";
// Curves on a canvas: a line of means, and around it a band from the lowest to the highest value of each bucket.

const Curves = (() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const color = (index) => css(`--c${index % 8}`);

  /** A number in few digits. */
  function short(value) {
    if (value === null || value === undefined || value === "") return "";
    const number = Number(value);
    if (!Number.isFinite(number)) return String(value);
    if (Number.isInteger(number) && Math.abs(number) < 1e7) return number.toLocaleString("en-US");
    const size = Math.abs(number);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) return number.toExponential(2);
    return number.toPrecision(4).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  }

  /** Round numbers between two bounds. */
  function ticks(low, high, count) {
    const span = high - low;
    if (!(span > 0)) return [low];
    const raw = span / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.75);
    const found = [];
    // By number: added to a large bound, a small step would change nothing, for ever.
    const first = Math.ceil(low / step);
    for (let number = first; number <= first + 20 && number * step <= high + step * 1e-9; number++) found.push(number * step);
    return found;
  }

  function logTicks(low, high) {
    const found = [];
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
      for (const factor of high - low < 2.5 ? [1, 2, 5] : [1]) {
        const tick = power + Math.log10(factor);
        if (tick >= low && tick <= high) found.push(tick);
      }
    }
    return found.length > 1 ? found : ticks(low, high, 4);
  }

  /**
   * A chart of lines [{label, color, steps, mean, low, high}].
   * options: {log, onZoom(from, through)}; onZoom() without arguments shows everything again.
   */
  function chart(title, lines, options) {
    const box = document.createElement("div");
    box.className = "curve";
    const heading = document.createElement("h3");
    heading.textContent = title;
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    const last = lines.map((line) => `${line.label} ${short(line.mean.at(-1))}`).join(", ");
    canvas.setAttribute("aria-label", `${title} by step; newest: ${last}`);
    const legend = document.createElement("div");
    legend.className = "legend";
    for (const line of lines) {
      const entry = document.createElement("span");
      const mark = document.createElement("i");
      mark.style.background = line.color;
      entry.append(mark, lines.length > 1 || line.label !== title ? `${line.label} ` : "", short(line.mean.at(-1)));
      legend.append(entry);
    }
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    box.append(heading, canvas, legend, tip);

    let scale = null;
    let cursor = null;
    let drag = null;

    function measure(width, height) {
      const log = options.log;
      let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
      const usable = (value) => value !== null && Number.isFinite(Number(value)) && (!log || value > 0);
      for (const line of lines) {
        line.steps.forEach((step, index) => {
          x0 = Math.min(x0, step);
          x1 = Math.max(x1, step);
          for (const value of [line.mean[index], line.low?.[index], line.high?.[index]]) {
            if (value === undefined || !usable(value)) continue;
            const shown = log ? Math.log10(value) : value;
            y0 = Math.min(y0, shown);
            y1 = Math.max(y1, shown);
          }
        });
      }
      if (!(x1 >= x0)) [x0, x1] = [0, 1];
      if (x0 === x1) [x0, x1] = [x0 - 0.5, x1 + 0.5];
      if (!(y1 >= y0)) [y0, y1] = [0, 1];
      // Means of equal numbers differ in their last bits: that is a constant.
      const isConstant = y1 - y0 <= 1e-9 * Math.max(Math.abs(y0), Math.abs(y1));
      const pad = isConstant ? Math.abs(y0) * 0.05 || 0.5 : (y1 - y0) * 0.06;
      [y0, y1] = [y0 - pad, y1 + pad];
      const [left, right, top, bottom] = [54, 10, 8, 22];
      return {
        log, x0, x1, y0, y1, left, top, width: width - left - right, height: height - top - bottom, usable,
        x: (step) => left + ((step - x0) / (x1 - x0)) * (width - left - right),
        y: (value) => top + (1 - ((log ? Math.log10(value) : value) - y0) / (y1 - y0)) * (height - top - bottom),
        step: (place) => x0 + ((place - left) / (width - left - right)) * (x1 - x0),
      };
    }

    function draw() {
      const width = canvas.clientWidth;
      const height = canvas.clientHeight;
      if (width === 0) return;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      scale = measure(width, height);
      pen.font = '11px system-ui, "DejaVu Sans", sans-serif';
      pen.fillStyle = css("--muted");
      pen.strokeStyle = css("--line");
      pen.lineWidth = 1;
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      for (const tick of scale.log ? logTicks(scale.y0, scale.y1) : ticks(scale.y0, scale.y1, 4)) {
        const value = scale.log ? 10 ** tick : tick;
        const place = Math.round(scale.y(value)) + 0.5;
        if (place < scale.top || place > scale.top + scale.height) continue;
        pen.beginPath();
        pen.moveTo(scale.left, place);
        pen.lineTo(scale.left + scale.width, place);
        pen.stroke();
        pen.fillText(short(value), scale.left - 6, place);
      }
      pen.textBaseline = "top";
      for (const tick of ticks(scale.x0, scale.x1, Math.max(2, Math.min(6, scale.width / 80)))) {
        if (!Number.isInteger(tick)) continue;
        const place = scale.x(tick);
        pen.textAlign = place > scale.left + scale.width - 18 ? "right" : "center";
        pen.fillText(short(tick), Math.min(place, scale.left + scale.width), scale.top + scale.height + 6);
      }
      for (const line of lines) {
        if (line.low) {
          pen.globalAlpha = 0.16;
          pen.fillStyle = line.color;
          pen.beginPath();
          let any = false;
          line.steps.forEach((step, index) => {
            if (!scale.usable(line.high[index])) return;
            pen[any ? "lineTo" : "moveTo"](scale.x(step), scale.y(line.high[index]));
            any = true;
          });
          for (let index = line.steps.length - 1; index >= 0; index--) {
            if (scale.usable(line.low[index])) pen.lineTo(scale.x(line.steps[index]), scale.y(line.low[index]));
          }
          pen.fill();
          pen.globalAlpha = 1;
        }
        pen.strokeStyle = line.color;
        pen.lineWidth = 1.6;
        pen.lineJoin = "round";
        pen.setLineDash(line.dashed ? [5, 3] : []);
        pen.beginPath();
        let isDown = false;
        line.steps.forEach((step, index) => {
          const value = line.mean[index];
          if (!scale.usable(value)) {
            isDown = false;
            return;
          }
          pen[isDown ? "lineTo" : "moveTo"](scale.x(step), scale.y(value));
          isDown = true;
        });
        pen.stroke();
        pen.setLineDash([]);
        if (line.steps.length < 40) {
          pen.fillStyle = line.color;
          line.steps.forEach((step, index) => {
            if (!scale.usable(line.mean[index])) return;
            pen.beginPath();
            pen.arc(scale.x(step), scale.y(line.mean[index]), 2.2, 0, 7);
            pen.fill();
          });
        }
      }
      if (drag && cursor !== null) {
        pen.globalAlpha = 0.15;
        pen.fillStyle = css("--accent");
        pen.fillRect(Math.min(drag, cursor), scale.top, Math.abs(cursor - drag), scale.height);
        pen.globalAlpha = 1;
      } else if (cursor !== null) {
        pen.strokeStyle = css("--muted");
        pen.lineWidth = 1;
        pen.beginPath();
        pen.moveTo(Math.round(cursor) + 0.5, scale.top);
        pen.lineTo(Math.round(cursor) + 0.5, scale.top + scale.height);
        pen.stroke();
      }
    }

    function nearest(steps, wanted) {
      let [low, high] = [0, steps.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (steps[middle] < wanted) low = middle + 1;
        else high = middle;
      }
      if (low > 0 && wanted - steps[low - 1] < steps[low] - wanted) low--;
      return low;
    }

    function showTip() {
      if (cursor === null || drag) {
        tip.hidden = true;
        return;
      }
      const wanted = scale.step(cursor);
      tip.replaceChildren();
      let title = null;
      for (const line of lines) {
        if (line.steps.length === 0) continue;
        const index = nearest(line.steps, wanted);
        title ??= line.steps[index];
        const entry = document.createElement("div");
        const mark = document.createElement("span");
        mark.className = "swatch";
        mark.style.background = line.color;
        const range = line.low && line.low[index] !== line.high[index] ? ` (${short(line.low[index])} … ${short(line.high[index])})` : "";
        entry.append(mark, `${line.label} ${short(line.mean[index]) || "not finite"}${range}`);
        tip.append(entry);
      }
      const heading = document.createElement("div");
      heading.className = "muted";
      heading.textContent = title === null ? "" : `step ${short(title)}`;
      tip.prepend(heading);
      tip.hidden = title === null;
      const room = box.clientWidth;
      const place = canvas.offsetLeft + cursor;
      tip.style.top = `${canvas.offsetTop + 12}px`;
      tip.style.left = place > room / 2 ? "" : `${place + 12}px`;
      tip.style.right = place > room / 2 ? `${room - place + 12}px` : "";
    }

    const at = (event) => {
      const place = event.clientX - canvas.getBoundingClientRect().left;
      return scale ? Math.min(Math.max(place, scale.left), scale.left + scale.width) : null;
    };
    canvas.addEventListener("pointermove", (event) => { cursor = at(event); draw(); showTip(); });
    canvas.addEventListener("pointerleave", () => { cursor = null; drag = null; draw(); showTip(); });
    canvas.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") drag = at(event); });
    canvas.addEventListener("pointerup", () => {
      const [from, to] = [drag, cursor];
      drag = null;
      if (from !== null && to !== null && Math.abs(to - from) > 8 && options.onZoom) {
        const steps = [scale.step(from), scale.step(to)].sort((a, b) => a - b);
        options.onZoom(Math.max(0, Math.floor(steps[0])), Math.ceil(steps[1]));
      } else draw();
    });
    canvas.addEventListener("dblclick", () => options.onZoom?.());
    new ResizeObserver(draw).observe(canvas);
    return box;
  }

  return { chart, color, short };
})();
