/** Makes elements. Text is ever set as text, so that nothing that a node sent becomes markup. */

/** Attributes of an element; `false` and `undefined` leave one out. */
export type Attributes = Record<string, string | number | boolean | undefined>;

/** Makes an HTML element. */
export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** Makes an SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** Sets attributes. */
export function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Replaces what is in a box, unless that was drawn from the same state: so a focus stays, and the browser
 * has less to do.
 */
export function drawChanged(
  box: HTMLElement,
  state: unknown,
  draw: () => Node[],
): void {
  const drawn = JSON.stringify(state);
  if (box.dataset.drawn === drawn) return;
  box.dataset.drawn = drawn;
  box.replaceChildren(...draw());
}

/** The element of the page's document with an id. */
export function byId<T extends Element = HTMLElement>(id: string): T {
  return document.getElementById(id) as unknown as T;
}

/** Milliseconds as a person reads them. */
export function formatMs(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return "–";
  if (Math.abs(milliseconds) < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
