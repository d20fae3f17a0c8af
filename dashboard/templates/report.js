"use strict";
(() => {
  const options = { displayModeBar: false, responsive: false, showLink: false };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const read = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const figures = [...document.querySelectorAll("figure")].map((figure) => ({
    place: figure.querySelector(".chart, .scene"),
    content: JSON.parse(figure.querySelector("script").textContent),
  }));

  // Paper is narrower than the screen: with a view box the drawing scales instead of being cut.
  const scalable = (place) => {
    for (const svg of place.querySelectorAll(".main-svg")) {
      svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
    }
    const box = place.querySelector(".svg-container");
    if (box) box.style.setProperty("--ratio", `${box.offsetWidth} / ${box.offsetHeight}`);
  };

  const draw = async ({ place, content }) => {
    const width = Math.max(place.clientWidth, content.layout.meta?.least_width ?? 0);
    place.classList.toggle("wider", width > place.clientWidth);
    await Plotly.react(place, content.data, { ...content.layout, width }, options);
    if (place.className.includes("scene")) await picture(place, content);
    else scalable(place);
    place.dataset.drawn = "yes";
  };

  // A 3-D scene is a bitmap that a printer leaves out and style sheets do not reach.
  const picture = async (place, content) => {
    const onPaper = { ...content.layout, ...scene(content, "#000000", "#cccccc"), width: 900 };
    const url = await Plotly.toImage({ data: content.data, layout: onPaper }, { format: "png", width: 900, scale: 2 });
    const image = place.parentNode.querySelector(".printed") || document.createElement("img");
    Object.assign(image, { src: url, className: "printed", alt: place.getAttribute("aria-label") });
    place.after(image);
  };
  const scene = (content, ink, grid) => {
    const axis = (one) => ({ ...one, color: ink, gridcolor: grid, zerolinecolor: grid });
    const { xaxis, yaxis, zaxis } = content.layout.scene;
    const font = { ...content.layout.font, color: ink };
    return { font, scene: { ...content.layout.scene, xaxis: axis(xaxis), yaxis: axis(yaxis), zaxis: axis(zaxis) } };
  };
  const inked = (one) =>
    one.place.className.includes("scene")
      ? { ...one, content: { ...one.content, layout: { ...one.content.layout, ...scene(one.content, read("--ink"), read("--grid")) } } }
      : one;

  const drawAll = async () => {
    for (const one of figures) {
      await draw(inked(one)).catch((error) => { one.place.textContent = `This picture cannot be drawn: ${error.message}`; console.error(error); });
    }
    document.documentElement.dataset.drawn = "yes";
  };

  let width = innerWidth;
  let waiting;
  addEventListener("resize", () => {
    if (innerWidth === width || matchMedia("print").matches) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  });
  dark.addEventListener("change", drawAll);
  drawAll();
})();
