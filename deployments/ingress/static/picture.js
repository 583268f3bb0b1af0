// Reads a message of a camera's socket, and draws zones and boxes over the picture.

import { sayObject } from "./words.js";

const COLOURS = { danger: "#ff5c5c", warning: "#ffb454", box: "#7cc7ff", fallen: "#ff5c5c", ink: "#0b1117" };

// 4 bytes big-endian length of the JSON, the JSON, the JPEG (empty of a blind camera). Throws if it is none of these.
export function readFrame(data) {
  const length = new DataView(data).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  return { header, jpeg: new Uint8Array(data, 4 + length) };
}

export function drawZones(pen, zones) {
  const { width, height } = pen.canvas;
  for (const zone of zones) {
    const colour = COLOURS[zone.kind] ?? COLOURS.warning;
    pen.beginPath();
    zone.polygon.forEach(([x, y], index) => pen[index ? "lineTo" : "moveTo"](x * width, y * height));
    pen.closePath();
    pen.globalAlpha = zone.occupied ? 0.34 : 0.1;
    pen.fillStyle = colour;
    pen.fill();
    pen.globalAlpha = 1;
    pen.lineWidth = Math.max(2, width / (zone.occupied ? 160 : 320));
    pen.strokeStyle = colour;
    pen.stroke();
    // Its name stands at its foot: objects are named at their heads, so that neither hides the other.
    const [x, y] = zone.polygon.reduce((low, point) => (point[1] > low[1] || (point[1] === low[1] && point[0] < low[0]) ? point : low));
    drawLabel(pen, zone.name || zone.zone_id, x * width, y * height, colour);
  }
}

export function drawBoxes(pen, boxes) {
  const { width, height } = pen.canvas;
  for (const { label, confidence, box, track_id: track } of boxes) {
    const [left, top, right, bottom] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
    const colour = label === "fallen_person" ? COLOURS.fallen : COLOURS.box;
    pen.lineWidth = Math.max(2, width / 320);
    pen.strokeStyle = colour;
    pen.strokeRect(left, top, right - left, bottom - top);
    const number = track === null ? "" : ` #${track}`;
    drawLabel(pen, `${sayObject(label)}${number} ${Math.round(confidence * 100)}%`, left, top, colour);
  }
}

function drawLabel(pen, text, x, y, colour) {
  const size = Math.max(11, pen.canvas.width / 46);
  pen.font = `600 ${size}px system-ui, "Noto Sans KR", "Malgun Gothic", sans-serif`;
  const wide = pen.measureText(text).width + size * 0.7;
  const left = Math.min(Math.max(0, x), Math.max(0, pen.canvas.width - wide));
  const top = y - size * 1.45 < 0 ? y : y - size * 1.45;
  pen.fillStyle = colour;
  pen.fillRect(left, top, wide, size * 1.45);
  pen.fillStyle = COLOURS.ink;
  pen.fillText(text, left + size * 0.35, top + size * 1.08);
}
