"""Telling source from target: the linear domain classifier behind the proxy A-distance and DEV."""

from __future__ import annotations

import warnings

import numpy as np

from dtml.measures._arrays import Rows


def out_of_fold(source: Rows, target: Rows, folds: int, seed: int) -> tuple[Rows, Rows]:
    """How likely each row belongs to the target, by a classifier that has not seen it: (n,) and (m,).

    A logistic regression on standardised columns, both domains weighing the same, cross-validated with at
    most `folds` stratified folds; each domain needs two rows.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    rows = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    likely = np.empty(len(rows))
    splits = StratifiedKFold(min(folds, len(source), len(target)), shuffle=True, random_state=seed)
    for train, test in splits.split(rows, domain):
        centre, spread = rows[train].mean(0), rows[train].std(0)
        spread[spread < 1e-12 * (1 + np.abs(centre))] = 1
        model = LogisticRegression(class_weight="balanced", max_iter=300)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit((rows[train] - centre) / spread, domain[train])
        likely[test] = model.predict_proba((rows[test] - centre) / spread)[:, 1]
    return likely[: len(source)], likely[len(source) :]
