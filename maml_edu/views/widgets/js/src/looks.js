import { symbolCircle, symbolCross, symbolDiamond2, symbolSquare, symbolStar, symbolTriangle } from "d3-shape";

export const SHAPES = {
  circle: symbolCircle, cross: symbolCross, diamond: symbolDiamond2, square: symbolSquare,
  star: symbolStar, triangle: symbolTriangle,
};

export const area = (look) => 0.7 * look.size ** 2;
