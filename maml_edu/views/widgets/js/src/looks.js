import { symbolCircle, symbolCross, symbolDiamond2, symbolSquare, symbolStar, symbolTriangle } from "d3-shape";

export const SHAPES = {
  circle: symbolCircle, cross: symbolCross, diamond: symbolDiamond2, square: symbolSquare,
  star: symbolStar, triangle: symbolTriangle,
};

export const area = (look) => 0.7 * look.size ** 2;

// Each role's colour as a CSS variable, its dark form where JupyterLab says the page is dark.
export function lookRules(id, style) {
  const rule = (name, colour) => `#${id} .maml-${name}{--look:${colour}}`;
  const dark = '[data-jp-theme-light="false"] ';
  return Object.entries(style)
    .map(([name, look]) => rule(name, look.colour) + dark + rule(name, look.dark))
    .join("\n");
}
