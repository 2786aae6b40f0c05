"""The report's plot: whether probabilities hold, and how much is routed at which error."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from slices import ERROR, LANGUAGES, Slice  # noqa: E402

COLOURS = {"doj": "#1b1b1b", "en": "#0072b2", "fr": "#d55e00", "es": "#009e73", "ar": "#cc79a7"}
FORM = {
    "svg.hashsalt": "liaison",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}


def lines(table, found):
    """(name, texts as answered, colour, form) of each line."""
    base = table.real & table.whole
    yield "press releases, English", Slice(found["both"], base & (table.source == "doj")), COLOURS["doj"], "-"
    for lang, name in LANGUAGES.items():
        yield f"own texts, {name}", Slice(found["both"], base & table.own & (table.lang == lang)), COLOURS[lang], "-"
    unseen = Slice(found["without doj"], base & (table.source == "doj"))
    yield "press releases, not learned from", unseen, COLOURS["doj"], ":"
    unseen = Slice(found["without own-e"], base & (table.source == "own-e"))
    yield "own texts e, not learned from", unseen, "#8c8c8c", ":"
    unseen = Slice(found["without own"], base & table.own)
    yield "all own texts, not learned from", unseen, "#8c8c8c", "--"


def plot(table, found, path):
    with plt.rc_context(FORM):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5.4))
        left.plot([0, 1], [0, 1], color="#9a9a9a", linewidth=0.8)
        for name, of, colour, form in lines(table, found):
            points = list(of.calibration())
            said, were = [point[0] for point in points], [point[1] for point in points]
            left.plot(said, were, form, color=colour, marker="o", markersize=3.5, label=name)
            routed, wrong = of.curve()
            begin = min(30, len(routed) - 1)
            right.plot(routed[begin:], wrong[begin:], form, color=colour, linewidth=1.4)
        left.set(xlim=(0.2, 1.01), ylim=(0.2, 1.01), title="Are probabilities right as often as they say?")
        left.set(xlabel="probability of the answer (bins of 0.1 with 10 texts or more)", ylabel="share that is right")
        right.axhline(ERROR, color="#9a9a9a", linewidth=0.8)
        right.axvline(0.8, color="#9a9a9a", linewidth=0.8)
        right.annotate("goal: 0.80 routed, 0.985 right", (0.8, ERROR), (0.02, ERROR + 0.002), color="#5a5a5a", fontsize=8)
        right.set(xlim=(0, 1.0), ylim=(0, 0.08), title="How much is routed at which error?")
        right.set(xlabel="share routed of the texts of the four units", ylabel="share wrong of what is routed")
        figure.legend(*left.get_legend_handles_labels(), loc="lower center", ncols=4, frameon=False)
        figure.tight_layout(rect=(0, 0.1, 1, 1))
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        plt.close(figure)
