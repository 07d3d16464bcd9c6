"""Learning curves as a picture, without a plotting library: the mean over seeds, and a band from least to most."""

import numpy as np

WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN = 640, 400, 60, 50, 20
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def write_picture(path, x, curves, x_label, y_label):
    """An SVG file. x is [n], curves a dict from names to arrays [seeds, n]."""
    top = max(float(np.max(values)) for values in curves.values()) * 1.05 or 1.0
    right = float(x[-1])

    def place(across, up):
        px = LEFT + (WIDTH - LEFT - MARGIN) * across / right
        py = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - MARGIN) * up / top
        return f"{px:.1f},{py:.1f}"

    def points(values):
        return " ".join(place(*pair) for pair in zip(x, values))

    parts = [_axes(right, top, x_label, y_label)]
    for k, (name, values) in enumerate(curves.items()):
        colour, y = COLOURS[k % len(COLOURS)], MARGIN + 18 * (k + 1)
        band = points(values.min(0)) + " " + " ".join(points(values.max(0)).split()[::-1])
        parts.append(f'<polygon points="{band}" fill="{colour}" opacity="0.2"/>')
        parts.append(f'<polyline points="{points(values.mean(0))}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{LEFT + 15}" y="{y}" fill="{colour}">{name}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">'
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"]))


def _axes(right, top, x_label, y_label):
    lines = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = LEFT + (WIDTH - LEFT - MARGIN) * share
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - MARGIN) * share
        lines.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - MARGIN}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{right * share:.0f}</text>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{top * share:.1f}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text>')
    middle = (HEIGHT - BOTTOM) / 2
    lines.append(f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{y_label}</text>')
    return "\n".join(lines)
