// Sizes and rectangles of the screen stream, and its limits. See plugins/screen/core/FORMAT.md.

/** Longest side of a screen in pixels: four 4K monitors side by side. */
export const SCREEN_SIDE_MAX = 16_384;
/** Most pixels of a screen; 8K has 33,177,600. */
export const SCREEN_AREA_MAX = 33_554_432;
/** Longest side of one picture in pixels, so that something newer can overtake between two records. */
export const PICTURE_SIDE_MAX = 512;
/** Most pixels of a film: 2560 x 1600. */
export const FILM_AREA_MAX = 4_194_304;
/** Longest side of a cursor in pixels, the largest that X11 themes and Windows use. */
export const CURSOR_SIDE_MAX = 256;

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function isScreenSize({ width, height }: Size): boolean {
  return (
    1 <= width && width <= SCREEN_SIDE_MAX && 1 <= height && height <= SCREEN_SIDE_MAX && width * height <= SCREEN_AREA_MAX
  );
}

/** Whether the rectangle has pixels and none of them is beyond the screen. */
export function isInside(rect: Rect, screen: Size): boolean {
  return (
    0 < rect.width && 0 < rect.height && rect.x + rect.width <= screen.width && rect.y + rect.height <= screen.height
  );
}

/** The smallest rectangle that holds both. */
export function union(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  const right = Math.max(a.x + a.width, b.x + b.width);
  const bottom = Math.max(a.y + a.height, b.y + b.height);
  return { x, y, width: right - x, height: bottom - y };
}

/** What both rectangles have in common; null when that is nothing. */
export function intersection(a: Rect, b: Rect): Rect | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return 0 < width && 0 < height ? { x, y, width, height } : null;
}

/** What of `rect` lies outside of `hole`: its parts above, left, right and below. */
export function outside(rect: Rect, hole: Rect | null): Rect[] {
  const inner = hole && intersection(rect, hole);
  if (!inner) return [rect];
  const [right, bottom] = [rect.x + rect.width, rect.y + rect.height];
  const [innerRight, innerBottom] = [inner.x + inner.width, inner.y + inner.height];
  const parts = [
    { x: rect.x, y: rect.y, width: rect.width, height: inner.y - rect.y },
    { x: rect.x, y: inner.y, width: inner.x - rect.x, height: inner.height },
    { x: innerRight, y: inner.y, width: right - innerRight, height: inner.height },
    { x: rect.x, y: innerBottom, width: rect.width, height: bottom - innerBottom },
  ];
  return parts.filter((part) => 0 < part.width && 0 < part.height);
}

export function area({ width, height }: Size): number {
  return width * height;
}
