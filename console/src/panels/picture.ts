/** The chart of a panel as a picture on the panel's own ground; undefined when it is no canvas. */
export function pictureOf(box: HTMLElement | null): string | undefined {
  const canvas = box?.querySelector<HTMLCanvasElement>("canvas");
  if (!canvas?.width) return undefined;
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  const pen = copy.getContext("2d");
  if (!pen) return undefined;
  const style = getComputedStyle(document.documentElement);
  pen.fillStyle = style.getPropertyValue("--surface").trim() || "#fff";
  pen.fillRect(0, 0, copy.width, copy.height);
  pen.drawImage(canvas, 0, 0);
  return copy.toDataURL("image/png");
}
