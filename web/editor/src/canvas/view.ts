// The canvas as actions see it. The Canvas component fills it in while it is mounted.

import type { Position } from '../model/document';

export class View {
  /** middle is the point of the flow in the middle of the canvas. */
  middle: () => Position = () => ({ x: 0, y: 0 });
  /** pointer is where the pointer was last on the canvas, undefined outside. */
  pointer: () => Position | undefined = () => undefined;
  /** toScreen turns a point of the flow into one of the canvas element. */
  toScreen: (at: Position) => Position = (at) => at;
  /** toClient turns a point of the flow into one of the window. */
  toClient: (at: Position) => Position = (at) => at;
  toFlow: (client: Position) => Position = (at) => at;
  fit: (nodes?: Iterable<string>) => void = () => {};
  zoomTo: (zoom: number) => void = () => {};
  zoomBy: (factor: number) => void = () => {};
  /** reveal pans so that a node is seen, if it is not. */
  reveal: (node: string) => void = () => {};
  /** glide lets nodes go from where they were to where the document has them now. */
  glide: (from: ReadonlyMap<string, Position>) => void = () => {};
  /** takeFocus gives the canvas the keyboard. */
  takeFocus: () => void = () => {};
}

export const cardWidth = 220;
export const cardHeight = 76;
export const gridStep = 16;
