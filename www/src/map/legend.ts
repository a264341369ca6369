// The legend of the map, in words for each colour and mark.

import { element, make } from "../dom.ts";
import type { Mode } from "./colours.ts";

const SVG = "http://www.w3.org/2000/svg";

/** What the legend says beside the colours. */
export interface Words {
  /** The ends of the scale of idle times. */
  from: string;
  to: string;
  /** What became of an item that is not there any more. */
  gone: string;
  /** The chunk sizes, in bytes. */
  sizes: number[];
  /** What is said instead of the sizes. */
  note: string;
}

export class Legend {
  readonly #element = element("#legend");
  #shown = "";

  draw(mode: Mode, { from, to, gone, sizes, note }: Words): void {
    const key = `${mode} ${from} ${to} ${gone} ${sizes.join()} ${note}`;
    if (key === this.#shown) return;
    this.#shown = key;
    const parts: HTMLElement[] = [];
    if (mode === "idle") parts.push(scale(from, "s6,s5,s4,s3,s2,s1,s0", to));
    if (mode === "expires") {
      parts.push(scale("soon", "t5,t4,t3,t2,t1,t0", "in 60 s or later"));
      parts.push(entry("never", square("--never")));
    }
    if (mode === "waste") {
      parts.push(entry("first chunk", square("--s4")), entry("other chunks", square("--s2")));
      parts.push(entry("wasted", mark("M1 13 14 1M6 13 17 3", "--gone", true)));
    }
    if (mode === "idle") parts.push(entry("hit", hit()));
    parts.push(entry(gone, mark("M1.5 12.5 16.5 1.5", "--gone", true)), entry("expired", dots()));
    parts.push(entry("free", mark("", "--rule2", true)));
    if (note !== "") parts.push(make("span", { className: "sizes", textContent: note }));
    else if (sizes.length > 0) {
      const last = entry(`chunks of ${sizes.join(", ")} B`, bars(sizes));
      last.className = "sizes";
      parts.push(last);
    }
    this.#element.replaceChildren(...parts);
  }
}

function entry(text: string, ...signs: Element[]): HTMLElement {
  return make("span", {}, ...(signs as HTMLElement[]), text);
}

function scale(from: string, stops: string, to: string): HTMLElement {
  const line = make("span", { className: "scale" });
  const colours = stops.split(",").map((stop) => `var(--${stop})`);
  line.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  return make("span", {}, from, line, to);
}

function drawing(...parts: [string, Record<string, string>][]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 18 14");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, attributes] of parts) {
    const part = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    svg.append(part);
  }
  return svg;
}

const outline = { x: "1.5", y: "1.5", width: "15", height: "11" };

function square(colour: string): SVGSVGElement {
  return drawing(["rect", { ...outline, fill: `var(${colour})` }]);
}

function mark(path: string, colour: string, hasOutline: boolean): SVGSVGElement {
  const stroke = { stroke: `var(${colour})`, fill: "none" };
  return drawing(
    ...(hasOutline
      ? [["rect", { ...outline, ...stroke }] as [string, Record<string, string>]]
      : []),
    ["path", { d: path, ...stroke }],
  );
}

function hit(): SVGSVGElement {
  const inner = { x: "4", y: "4", width: "10", height: "6", stroke: "var(--paper)", fill: "none" };
  return drawing(["rect", { ...outline, fill: "var(--s6)" }], ["rect", inner]);
}

function dots(): SVGSVGElement {
  const all: [string, Record<string, string>][] = [];
  for (let y = 2; y < 12; y += 3) {
    for (let x = 2 + (y % 2) * 2; x < 16; x += 5) {
      all.push(["rect", { x: `${x}`, y: `${y}`, width: "3", height: "2", fill: "var(--t3)" }]);
    }
  }
  return drawing(...all);
}

/** The sizes beside each other, to scale. */
function bars(sizes: number[]): SVGSVGElement {
  const all = sizes.map((size, at): [string, Record<string, string>] => {
    const height = Math.max(3, Math.round((13 * size) / Math.max(...sizes)));
    const place = { x: `${at * 23}`, y: `${14 - height}`, width: "21", height: `${height}` };
    return ["rect", { ...place, fill: "var(--s3)" }];
  });
  const svg = drawing(...all);
  svg.setAttribute("viewBox", `0 0 ${sizes.length * 23} 14`);
  svg.style.width = `${sizes.length * 23}px`;
  return svg;
}
