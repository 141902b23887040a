// Drawings on canvases: black ink on see-through paper, which the style sheet inverts when dark.
export const isStrokes = (drawing) => Boolean(drawing && drawing.strokes);

// The whole drawing, on a square canvas. `page` is its side in the strokes' own pixels.
export function paint(canvas, drawing, { page, pen }) {
  const context = canvas.getContext("2d");
  const side = canvas.width;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, side, side);
  if (!drawing) return;
  if (isStrokes(drawing)) {
    context.setTransform(side / page, 0, 0, side / page, 0, 0);
    for (const stroke of drawing.strokes) line(context, stroke, pen);
  } else {
    context.imageSmoothingQuality = "high";
    context.drawImage(pixels(drawing, page), 0, 0, side, side);
  }
}

function line(context, points, pen) {
  context.beginPath();
  context.lineWidth = pen;
  context.lineCap = context.lineJoin = "round";
  context.moveTo(...points[0]);
  if (points.length === 1) context.lineTo(...points[0]);
  for (const point of points.slice(1)) context.lineTo(...point);
  context.stroke();
}

// Bits of a page, or greys of a smaller picture, as a canvas of one pixel each.
function pixels(drawing, page) {
  const bytes = Uint8Array.from(atob(drawing.ink ?? drawing.grey), (c) => c.charCodeAt(0));
  const side = drawing.ink ? page : Math.round(Math.sqrt(bytes.length));
  const image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const bit = drawing.ink && (bytes[i >> 3] >> (7 - (i & 7))) & 1;
    image.data[4 * i + 3] = drawing.ink ? 255 * bit : bytes[i];
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
