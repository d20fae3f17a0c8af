// What a page looks like, for tests: texts that are hard to read, marks that were drawn, things that stick out.
(() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (colour) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pixel.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = ([red, green, blue, alpha], below) =>
    [red, green, blue].map((one, place) => one * alpha + below[place] * (1 - alpha));
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
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      layers.push(channels(getComputedStyle(one).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const opacity = (element) => {
    let all = 1;
    for (let one = element; one; one = one.parentElement) all *= getComputedStyle(one).opacity;
    return all;
  };
  const legibility = (element, colour) => {
    const [red, green, blue, alpha] = channels(colour);
    const below = behind(element);
    return contrast(over([red, green, blue, alpha * opacity(element)], below), below);
  };
  // Words of an element's own and their colour; fields have theirs, or a hint, beside the tree of nodes.
  const words = (element) => {
    const style = getComputedStyle(element);
    if (element.matches("input, textarea")) {
      if (element.value) return [element.value, style.color];
      return [element.placeholder, getComputedStyle(element, "::placeholder").color];
    }
    const own = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent.trim());
    return [own.join("") && element.textContent.trim(), element instanceof SVGElement ? style.fill : style.color];
  };
  // A table of Streamlit is painted on a canvas, in colours that are told to it by properties.
  const painted = () =>
    [...document.querySelectorAll(".stDataFrame")].flatMap((frame) => {
      const grid = frame.querySelector("[style*='--gdg-bg-cell']") ?? frame;
      const told = (name) => getComputedStyle(grid).getPropertyValue(`--gdg-${name}`);
      const sheet = over(channels(told("bg-cell")), behind(grid));
      const head = over(channels(told("bg-header")), sheet);
      return [
        ["cells of a table", contrast(over(channels(told("text-dark")), sheet), sheet)],
        ["header of a table", contrast(over(channels(told("text-header")), head), head)],
      ];
    });
  const faint = () => {
    const found = painted();
    for (const element of document.querySelectorAll("body *")) {
      const apart = "script, noscript, style, .heatmap-label, .skip, canvas *";
      if (!element.getClientRects().length || element.closest(apart)) continue;
      const [text, colour] = words(element);
      const least = element.matches("[data-testid=stIconMaterial]") ? 3 : 4.5; // a sign needs less than a word
      if (text) found.push([text.slice(0, 40), legibility(element, colour), least]);
    }
    return found.filter(([, ratio, least = 4.5]) => !(ratio >= least)).map(([text, ratio]) => `${text}: ${ratio.toFixed(2)}`);
  };
  const cells = () => [
    ...new Set([...document.querySelectorAll(".heatmap-label text")].map((label) => getComputedStyle(label).fill)),
  ];
  const inside = (picture) =>
    picture.querySelectorAll(".point path, path.point, path.js-line, .sankey-link, .heatmaplayer image, canvas").length;
  const marks = () =>
    Object.fromEntries([...document.querySelectorAll("figure")].map((figure) => [figure.id, inside(figure)]));
  const drawn = () => [...document.querySelectorAll(".js-plotly-plot")].map(inside);
  const sticking = (width) =>
    [...document.querySelectorAll("figure svg, figure img, table, p, h1, h2, h3, .card, .tiles")]
      .filter((one) => one.getClientRects().length && !one.closest("details"))
      .filter((one) => one.getBoundingClientRect().right > width + 1)
      .map((one) => `${one.tagName} ${one.closest("figure")?.id ?? one.textContent.slice(0, 30)}`);
  // What would be scrolled sideways: the page, or the part of it that Streamlit scrolls instead.
  const wider = () =>
    [...document.querySelectorAll("html, body, .stApp, [data-testid=stMain], [data-testid=stMainBlockContainer]")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1)
      .map((one) => one.tagName);
  // What a name would be if it were taken for markup; headings' own anchors and drawings of Plotly are not of a name.
  const alive = () =>
    [...document.querySelectorAll("[data-testid=stMain] :is(a, img, iframe, object, embed, form, script)")]
      .filter((one) => !(one.getAttribute("href") ?? "").startsWith("#"))
      .concat(...document.querySelectorAll("[data-testid=stMain] :is([onload], [onerror], [onclick])"))
      .map((one) => one.outerHTML.slice(0, 100));
  return { faint, cells, marks, drawn, sticking, wider, alive };
})();
