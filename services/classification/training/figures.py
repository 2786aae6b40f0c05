"""Figures on predictions: what a report says of a slice of texts."""

import numpy as np

# From this expected error on, the machine does not route by itself.
ERROR = 0.015
BINS = 15


def macro_f1(top, gold, names):
    """The mean of F1 over the answers that the slice holds or was given."""
    scores = []
    for answer in range(len(names)):
        both = ((top == answer) & (gold == answer)).sum()
        either = (top == answer).sum() + (gold == answer).sum()
        if either:
            scores.append(2 * both / either)
    return float(np.mean(scores))


def gold(p, y, right):
    """The answer a text counts for: the one given where that is right, else its first label."""
    top = p.argmax(axis=1)
    return np.where(right[np.arange(len(p)), top], top, y.argmax(axis=1))


def calibration_error(confidence, correct):
    """Expected calibration error, in bins of equal width."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(confidence[bins == b].mean() - correct[bins == b].mean()) * (bins == b).mean()
        for b in range(BINS)
        if (bins == b).any()
    ]
    return float(np.sum(gaps))


def figures(p, y, right, names, threshold):
    """Everything a report says of a slice. Coverage is over the texts of the four units."""
    none = len(names) - 1
    top, confidence = p.argmax(axis=1), p.max(axis=1)
    correct = right[np.arange(len(p)), top]
    truth = gold(p, y, right)
    routed = (top != none) & (confidence >= threshold)
    ours = y[:, none] == 0
    children = truth == 0
    return {
        "texts": int(len(p)),
        "macro_f1": macro_f1(top, truth, names),
        "right": float(correct.mean()),
        "children_recall": float((top[children] == 0).mean()) if children.any() else None,
        "children_precision": float(correct[top == 0].mean()) if (top == 0).any() else None,
        "calibration_error": calibration_error(confidence, correct),
        "routed_of_units": float((routed & ours).sum() / max(1, ours.sum())),
        "routed_right": float(correct[routed].mean()) if routed.any() else None,
    }


def threshold_for(p, right, weight, error=ERROR):
    """The least probability from which what is routed is wrong in less than `error` of its weight."""
    none = p.shape[1] - 1
    top = p.argmax(axis=1)
    unit = top != none
    confidence, wrong = p.max(axis=1)[unit], ~right[np.arange(len(p)), top][unit]
    order = np.argsort(-confidence)
    total = np.cumsum(weight[unit][order])
    share = np.cumsum((wrong * weight[unit])[order]) / total
    good = np.flatnonzero(share <= error)
    return float(confidence[order][good[-1]]) if len(good) else 1.0
