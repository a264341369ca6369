// Makes elements in one expression. Text is inserted as text: there is no way to pass markup.

type Properties<T> = Partial<Omit<T, "style" | "dataset">> & { data?: Record<string, string> };
type Tags = HTMLElementTagNameMap;

/** Makes an element with these properties and children. */
export function make<K extends keyof Tags>(
  tag: K,
  properties: Properties<Tags[K]> = {},
  ...children: (Node | string)[]
): Tags[K] {
  const { data, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

/** The element of the page with this selector. */
export function element<T extends Element = HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}

/** Changes the text only if it is different, to avoid a new layout. */
export function write(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** A figure, and its unit in small letters. */
export function figure(target: Element, text: string, small: string): void {
  if (target.textContent === text + small) return;
  target.replaceChildren(text, make("small", { textContent: small }));
}

/** Text with `words in backticks` as code elements. */
export function prose(text: string): (Node | string)[] {
  return text
    .split("`")
    .map((part, at) => (at % 2 === 0 ? part : make("code", { textContent: part })));
}

/** Saves text as a file on the visitor's computer. */
export function save(name: string, text: string): void {
  const link = make("a", { download: name, href: URL.createObjectURL(new Blob([text])) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The drawing context of a canvas, in the resolution of the screen. */
export function surface(canvas: HTMLCanvasElement, width: number, height: number) {
  const scale = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser cannot draw");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

let probe: HTMLElement | undefined;

/** The colour of a custom property in the current theme. */
export function colour(name: string): string {
  // A computed colour, because a canvas does not know light-dark().
  if (probe === undefined) {
    probe = document.body.appendChild(make("span", { hidden: true }));
    // Else forced colours make all of them one, and a picture becomes a sheet of it.
    probe.style.setProperty("forced-color-adjust", "none");
  }
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
