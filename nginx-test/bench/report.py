"""Writes the results between the markers of docs/performance.md, and the plot beside it.

Everything else in that file is written by hand and stays.
usage: report.py RESULTS (build/bench/results.json), to write it anew.
"""

import json
import math
import sys
from html import escape
from pathlib import Path
from statistics import median

from series import ROOT, SERIES

DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN = "<!-- Results: written by make bench. -->"
END = "<!-- End of results. -->"

GRANTS = [series for series in SERIES if series.status == 200 and not series.debian]
REDIRECTS = [series for series in SERIES if series.status == 302]
DEBIAN = [series for series in SERIES if series.debian]


def write(results, folder=None):
    """Into docs/, or as a preview into another folder."""
    target = (folder or DOCUMENT.parent) / DOCUMENT.name
    before, rest = DOCUMENT.read_text().split(BEGIN)
    _, after = rest.split(END)
    target.write_text("".join([before, BEGIN, "\n\n", markdown(results), "\n", END, after]))
    target.with_suffix(".svg").write_text(plot(results))
    return target


def markdown(results):
    about = results["about"]
    parts = [
        f"Measured on {about['date']}: {about['processor']}, {about['cores']} cores, {about['system']};"
        f" nginx {about['nginx'].split('/')[-1]} as pinned, and Debian's {about['debian_nginx'].split('/')[-1]}."
        f" {about['rounds']} rounds of {about['seconds']} s per series and load, in turns with its baseline;"
        f" load average before the run {about['load']:.2f}. Instructions by {about['instructions']}.",
        "![Rate over the unguarded file's, and instructions above it](performance.svg)",
        targets(results),
    ]
    tables = (
        ("Granted", "unguarded", GRANTS, about["nginx"]),
        ("Redirected", "`return 302`", REDIRECTS, about["nginx"]),
        ("Granted, Debian's nginx", "unguarded", DEBIAN, about["debian_nginx"]),
    )
    for title, baseline, series, version in tables:
        rows = [table_row(one, results["series"]) for one in series if one.name in results["series"]]
        if rows:
            parts += [f"### {title} ({version})", "\n".join([*table_head(baseline), *rows])]
    if results["criterion"]:
        rows = [f"| {name.replace('/', ': ')} | {value:.0f} |" for name, value in results["criterion"].items()]
        parts += ["### media-token alone (Criterion)", "\n".join(["| | ns |", "|---|--:|", *rows])]
    return "\n\n".join(parts) + "\n"


def table_head(baseline):
    columns = [
        "",
        "one core: requests/s",
        f"of {baseline}",
        "spread",
        f"server CPU, µs (over {baseline}'s)",
        "instructions",
        "above unguarded, same request",
        f"two cores: of {baseline}",
        "spread",
    ]
    if baseline != "unguarded":
        columns[6] = f"above {baseline}"
    return ["| " + " | ".join(columns) + " |", "|---" + "|--:" * (len(columns) - 1) + "|"]


def table_row(series, rows):
    row = rows[series.name]
    one, two = row.get("one_core", {}), row.get("two_cores", {})
    cells = [
        series.title,
        f"{one['rate']:,.0f}",
        *ratio(one),
        f"{one['cpu']:,.1f}" + (f" ({median(one['cpu_ratios']):.2f})" if one["cpu_ratios"] else ""),
        f"{row['count']:,.0f}",
        f"{row['above']:+,.0f}" if series.baseline else "",
        *ratio(two),
    ]
    return "| " + " | ".join(cells) + " |"


def ratio(measured):
    ratios = measured.get("ratios")
    if not ratios:
        return "", ""
    return digits(median(ratios)), f"{digits(min(ratios))} to {digits(max(ratios))}"


def digits(number):
    return f"{number:.3f}" if number >= 0.1 else f"{number:.4f}"


def targets(results):
    rows = results["series"]

    def rate(name):
        return median(rows[name]["one_core"]["ratios"]) if name in rows else None

    grant, link, redirect = rate("module"), rate("secure_link"), rate("redirect")
    above = rows["module"]["above"] if "module" in rows else None
    lines = [
        ("grant path, one core: at least 0.93 of unguarded", grant, grant and grant >= 0.93),
        ("ahead of `secure_link`", link and grant, link and grant and grant > link),
        ("at most 2,500 instructions above unguarded with the same query", above, above is not None and above <= 2500),
        ("redirect, one core: at least 0.97 of `return 302`", redirect, redirect and redirect >= 0.97),
    ]
    words = []
    for text, value, met in lines:
        if value is None:
            continue
        shown = f"{digits(grant)} against {digits(link)}" if "secure_link" in text else digits(value)
        if "instructions" in text:
            shown = f"{value:,.0f}"
        words.append(f"- {text}: {shown}, {'met' if met else '**missed**'}")
    return "\n".join(["Targets:", "", *words]) if words else ""


WIDTH = 1030
LABEL = 300
PANEL = 300
GAP = 50
ROW = 26
TOP = 64
LEAST, MOST = 10, 10_000_000


def plot(results):
    """Two panels over the same rows, as SVG: rates with their spread, and instructions on a logarithmic scale."""
    rows = results["series"]
    groups = [
        (f"granted, {results['about']['nginx']}", GRANTS),
        (f"redirected, over return 302, {results['about']['nginx']}", REDIRECTS),
        (f"granted, Debian's {results['about']['debian_nginx']}", DEBIAN),
    ]
    left, right = LABEL, LABEL + PANEL + GAP + 60
    shapes = []
    y = TOP
    for title, series in groups:
        shown = [one for one in series if one.baseline and one.name in rows]
        if not shown:
            continue
        shapes.append(text(12, y + 17, title, weight="bold"))
        y += ROW
        for one in shown:
            shapes += bar_row(one, rows[one.name], left, right, y)
            y += ROW
        y += 8
    bottom = y
    axes = [
        text(left, 24, "requests per second over the baseline's, one core", weight="bold"),
        text(left, 40, "median; line: least to most of the rounds", size=11, fill="#555"),
        text(right, 24, "instructions above the baseline's", weight="bold"),
        text(right, 40, "user space, per request; logarithmic", size=11, fill="#555"),
    ]
    for tenth in range(0, 11, 2):
        axes += grid(left + PANEL * tenth / 10, bottom, f"{tenth / 10:.1f}")
    for power in range(1, 8, 2):
        axes += grid(right + logarithmic(10**power), bottom, f"{10**power:,}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 28}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="13">\n'
        "<title>Rate over the unguarded file's, and instructions above it, by series</title>\n"
        f'<rect width="{WIDTH}" height="{bottom + 28}" fill="#fff"/>\n' + "\n".join(axes + shapes) + "\n</svg>\n"
    )


def bar_row(series, row, left, right, y):
    ours = "**" in series.title
    name = series.title.replace("**", "").replace("`", "")
    color = "#1f6f50" if ours else "#8aa0b4"
    middle = y + ROW / 2 - 3
    shapes = [text(LABEL - 8, y + 15, name, anchor="end", weight="bold" if ours else "normal")]
    ratios = row.get("one_core", {}).get("ratios")
    if ratios:
        low, mid, high = (PANEL * min(value, 1.1) for value in (min(ratios), median(ratios), max(ratios)))
        shapes.append(f'<rect x="{left}" y="{y + 2}" width="{max(mid, 1):.1f}" height="16" fill="{color}"/>')
        shapes.append(
            f'<path d="M{left + low:.1f} {middle}H{left + high:.1f}M{left + low:.1f} {middle - 4}v8'
            f'M{left + high:.1f} {middle - 4}v8" stroke="#111" fill="none"/>'
        )
        shapes.append(text(left + max(high, PANEL) + 12, y + 15, digits(median(ratios)), size=12))
    length = logarithmic(row["above"])
    shapes.append(f'<rect x="{right}" y="{y + 2}" width="{length:.1f}" height="16" fill="{color}"/>')
    shapes.append(text(right + length + 6, y + 15, f"{row['above']:+,.0f}", size=12))
    return shapes


def logarithmic(number):
    if number <= LEAST:
        return 1
    return (PANEL - 60) * math.log(number / LEAST) / math.log(MOST / LEAST)


def grid(x, bottom, label):
    return [
        f'<path d="M{x:.1f} {TOP - 8}V{bottom}" stroke="#ddd"/>',
        text(x, bottom + 16, label, size=11, fill="#555", anchor="middle"),
    ]


def text(x, y, words, size=13, fill="#111", anchor="start", weight="normal"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"'
        f' font-weight="{weight}">{escape(words)}</text>'
    )


if __name__ == "__main__":
    print(write(json.loads(Path(sys.argv[1]).read_text())))
