"""Learning curves as a picture, without a plotting library: the mean over seeds, and a band from least to most."""

import numpy as np

WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN = 640, 400, 60, 50, 20
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def write_picture(path, x, curves, x_label, y_label):
    """An SVG file. x is [n], curves a dict from names to arrays [seeds, n]."""
    most = max(float(np.max(values)) for values in curves.values())
    top, right = _ticks(most)[-1], float(x[-1])

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
    size, font = f'viewBox="0 0 {WIDTH} {HEIGHT}"', 'font-family="sans-serif" font-size="13"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>'
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"]))


def _ticks(most):
    """Round numbers from 0 to at least `most`, about five."""
    power = 10.0 ** np.floor(np.log10(most / 4)) if most > 0 else 1.0
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * 5 >= most)
    return [step * k for k in range(int(np.ceil(most / step)) + 1)]


def _axes(right, top, x_label, y_label):
    lines = []
    for value in _ticks(top):
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - MARGIN) * value / top
        lines.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - MARGIN}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{value:g}</text>')
    for value in _ticks(right):
        if value <= right:
            x = LEFT + (WIDTH - LEFT - MARGIN) * value / right
            lines.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:g}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text>')
    middle = (HEIGHT - BOTTOM) / 2
    lines.append(f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{y_label}</text>')
    return "\n".join(lines)
