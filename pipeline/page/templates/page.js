// A value where somebody points at a figure, or steps through it with the arrow keys.
(() => {
  const tip = document.body.appendChild(document.createElement("div"));
  const ring = document.body.appendChild(document.createElement("div"));
  Object.assign(tip, { className: "tip", hidden: true });
  Object.assign(ring, { className: "ring-at", hidden: true });
  tip.setAttribute("role", "status");

  const numbers = (text) => text.match(/-?[\d.]+(?:e-?\d+)?/g).map(Number);
  const read = (scale, at) => {
    const [from, to, low, high] = numbers(scale);
    return low + ((at - from) / (to - from)) * (high - low);
  };

  function lineOf(svg, group) {
    const points = [];
    const path = group.dataset.name && group.querySelector("path.line");
    for (const [, x, y] of path ? path.getAttribute("d").matchAll(/[ML]([\d.-]+) ([\d.-]+)/g) : []) {
      const across = Math.round(read(svg.dataset.x, x));
      points.push({ x: +x, y: +y, text: `${group.dataset.name}, ${svg.dataset.across} ${across}: ${read(svg.dataset.y, y).toPrecision(3)}` });
    }
    for (const title of group.querySelectorAll(".marker > title")) {
      const [x, y] = numbers(title.parentNode.getAttribute("transform"));
      points.push({ x, y, text: title.textContent });
      title.remove(); // or the browser would show it, too
    }
    return points.sort((one, other) => one.x - other.x);
  }

  let shown;
  function show(svg, point) {
    shown = { svg, point };
    tip.textContent = point.text;
    tip.hidden = ring.hidden = false;
    place();
  }
  function place() {
    const { svg, point } = shown;
    const box = svg.getBoundingClientRect(), size = box.width / svg.viewBox.baseVal.width;
    const x = box.left + point.x * size, y = box.top + point.y * size;
    const half = tip.offsetWidth / 2 + 4;
    tip.style.left = `${Math.max(half, Math.min(x, document.documentElement.clientWidth - half))}px`;
    tip.style.top = `${y}px`;
    Object.assign(ring.style, { left: `${x}px`, top: `${y}px` });
  }
  const hide = () => { tip.hidden = ring.hidden = true; };

  for (const svg of document.querySelectorAll("figure svg")) {
    const lines = [...svg.querySelectorAll("g")].map((group) => lineOf(svg, group)).filter((line) => line.length);
    if (!lines.length) continue;
    let line = 0, at = 0;
    svg.tabIndex = 0;
    svg.setAttribute("aria-description", "Arrow keys read out values.");
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    svg.addEventListener("focus", () => svg.matches(":focus-visible") && show(svg, lines[line][at]));
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return hide();
      if (!step[event.key]) return;
      event.preventDefault();
      line = (line + step[event.key][0] + lines.length) % lines.length;
      at = Math.max(0, Math.min(at + step[event.key][1], lines[line].length - 1));
      show(svg, lines[line][at]);
    });
    const point = (event) => {
      const box = svg.getBoundingClientRect(), size = box.width / svg.viewBox.baseVal.width;
      const far = (at) => Math.hypot(box.left + at.x * size - event.clientX, box.top + at.y * size - event.clientY);
      const nearest = lines.flat().reduce((one, other) => (far(other) < far(one) ? other : one));
      far(nearest) < 24 ? show(svg, nearest) : hide();
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", hide);
  }
  // It goes along with its figure: focus by keyboard scrolls by itself.
  addEventListener("scroll", () => tip.hidden || place(), { passive: true });
})();
