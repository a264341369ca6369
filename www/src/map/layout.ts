// Where pages and chunks are drawn. Place is place: page n is always at the same spot, and chunks
// are to scale.

/** The sizes in which pages are drawn, the largest first. */
export const SHAPES: readonly Shape[] = (
  [
    [624, 416, 6],
    [384, 256, 6],
    [288, 192, 6],
    [192, 128, 6],
    [96, 64, 6],
    [72, 48, 4],
    [48, 32, 4],
    [36, 24, 3],
    [24, 16, 3],
    [12, 8, 2],
    [6, 4, 1],
    [3, 2, 1],
    [2, 1, 0],
  ] as const
).map(([width, height, gap]) => ({ width, height, gap }));

/** Chunks of less than this many pixels are not drawn individually. */
export const CELL_MIN = 3;
/** Below this, half a pixel between chunks is enough. */
const CELL_SMALL = 5;

export interface Shape {
  width: number;
  height: number;
  gap: number;
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The pages that are drawn, and how. */
export class Layout {
  readonly shape: Shape;
  readonly columns: number;
  /** The pages in the order of their places. */
  readonly pages: readonly number[];
  readonly isEnlarged: boolean;
  readonly #places = new Map<number, number>();
  readonly #gapX: number;

  constructor(shape: Shape, across: number, pages: readonly number[], isEnlarged: boolean) {
    this.shape = shape;
    this.columns = columnsOf(shape, across);
    this.pages = pages;
    this.isEnlarged = isEnlarged;
    pages.forEach((page, place) => this.#places.set(page, place));
    // What is left over goes between the columns.
    const spare = across - this.columns * shape.width;
    this.#gapX = Math.min(6, Math.max(shape.gap, Math.floor(spare / (this.columns - 1 || 1))));
  }

  get width(): number {
    const columns = Math.min(this.columns, this.pages.length);
    return Math.max(0, columns * (this.shape.width + this.#gapX) - this.#gapX);
  }

  get height(): number {
    const rows = Math.ceil(this.pages.length / this.columns);
    return Math.max(0, rows * (this.shape.height + this.shape.gap) - this.shape.gap);
  }

  /** The rectangle of a page; nothing if it is not drawn. */
  page(page: number): Rect | undefined {
    const place = this.#places.get(page);
    if (place === undefined) return undefined;
    const { width, height, gap } = this.shape;
    const [column, row] = [place % this.columns, Math.floor(place / this.columns)];
    return { x: column * (width + this.#gapX), y: row * (height + gap), width, height };
  }

  /** The rectangle of a chunk of a page that has room for so many. */
  chunk(page: number, chunk: number, chunks: number): Rect | undefined {
    const at = this.page(page);
    return at === undefined ? undefined : cell(at, chunk, chunks);
  }

  /** The page at a point, and the point within it. */
  at(x: number, y: number): { page: number; x: number; y: number } | undefined {
    const { width, height, gap } = this.shape;
    const column = Math.floor(x / (width + this.#gapX));
    const row = Math.floor(y / (height + gap));
    if (x < 0 || y < 0 || column >= this.columns) return undefined;
    const page = this.pages[row * this.columns + column];
    if (page === undefined) return undefined;
    const inside = { x: x - column * (width + this.#gapX), y: y - row * (height + gap) };
    return { page, x: Math.min(inside.x, width - 1), y: Math.min(inside.y, height - 1) };
  }

  /** Whether it draws the same pages at the same places. */
  equals(other: Layout | undefined): boolean {
    return (
      other !== undefined &&
      other.shape === this.shape &&
      other.width === this.width &&
      other.height === this.height &&
      other.isEnlarged === this.isEnlarged &&
      other.pages.every((page, place) => page === this.pages[place])
    );
  }
}

export function columnsOf({ width, gap }: Shape, across: number): number {
  return Math.max(1, Math.floor((across + gap) / (width + gap)));
}

/** The largest shape in which so many pages fit. */
export function fit(pages: number, across: number, down: number): Shape | undefined {
  return SHAPES.find((shape) => {
    const rows = Math.ceil(pages / columnsOf(shape, across));
    return shape.width <= across && rows * (shape.height + shape.gap) - shape.gap <= down;
  });
}

/** Rows and columns of chunks: the page is halved in turn, its height first. */
export function gridOf(chunks: number): { columns: number; rows: number } {
  const rows = 2 ** Math.ceil(Math.ceil(Math.log2(Math.max(1, chunks))) / 2);
  return { columns: Math.ceil(chunks / rows), rows };
}

/** The rectangle of a chunk within that of its page. */
export function cell(page: Rect, chunk: number, chunks: number): Rect {
  const { columns, rows } = gridOf(chunks);
  const [width, height] = [page.width / columns, page.height / rows];
  const gap = Math.min(width, height) < CELL_SMALL ? 0.5 : 1;
  return {
    x: page.x + (chunk % columns) * width,
    y: page.y + Math.floor(chunk / columns) * height,
    width: width - gap,
    height: height - gap,
  };
}

/** The chunk at a point within a page. */
export function chunkAt(shape: Shape, x: number, y: number, chunks: number): number {
  const { columns, rows } = gridOf(chunks);
  const column = Math.floor((x * columns) / shape.width);
  return Math.floor((y * rows) / shape.height) * columns + column;
}
