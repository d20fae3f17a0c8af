// What a page looks like, for tests: texts that are hard to read, marks that were drawn, things that stick out.
(() => {
  const channels = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((one) => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = channels(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || (found.length === 4 && found[3] === 1)) return found;
    }
    return [255, 255, 255];
  };
  const faint = () => {
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
      const apart = "script, noscript, .heatmap-label, .skip";
      if (!own || !element.getClientRects().length || element.closest(apart)) continue;
      const style = getComputedStyle(element);
      const ink = channels(element instanceof SVGElement ? style.fill : style.color).slice(0, 3);
      const ratio = contrast(ink, behind(element));
      if (ratio < 4.5) found.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return found;
  };
  const cells = () => [
    ...new Set([...document.querySelectorAll(".heatmap-label text")].map((label) => getComputedStyle(label).fill)),
  ];
  const marks = () =>
    Object.fromEntries(
      [...document.querySelectorAll("figure")].map((figure) => [
        figure.id,
        figure.querySelectorAll(".point path, path.point, path.js-line, .sankey-link, .heatmaplayer image, canvas").length,
      ]),
    );
  const sticking = (width) =>
    [...document.querySelectorAll("figure svg, figure img, table, p, h1, h2, h3, .card, .tiles")]
      .filter((one) => one.getClientRects().length && !one.closest("details"))
      .filter((one) => one.getBoundingClientRect().right > width + 1)
      .map((one) => `${one.tagName} ${one.closest("figure")?.id ?? one.textContent.slice(0, 30)}`);
  return { faint, cells, marks, sticking };
})();
