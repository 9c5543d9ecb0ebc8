"""The upper tail of the hypergeometric distribution: how likely chance alone is to draw at least this many marked items."""

from math import exp, inf, lgamma, log1p

__all__ = ["log_tail_probability", "tail_probability"]

NEGLIGIBLE = -28.0
"""Terms below e^-28 (7e-13) of the largest no longer change the sum."""


def tail_probability(k: int, *, draws: int, marked: int, total: int) -> float:
    """Chance of ``k`` or more marked ones among ``draws`` out of ``total``.

    ``sum(comb(marked, i) * comb(total - marked, draws - i) for i in range(k, …)) / comb(total, draws)``. It is 0.0 where
    the logarithm is needed to tell chances apart.
    """
    return exp(log_tail_probability(k, draws=draws, marked=marked, total=total))


def log_tail_probability(k: int, *, draws: int, marked: int, total: int) -> float:
    """The natural logarithm of ``tail_probability``, which stays exact where that is too small for a float."""
    least, most = max(0, draws - (total - marked)), min(draws, marked)
    if k <= least:
        return 0.0
    if k > most:
        return -inf
    ways = _log_comb(total, draws)
    terms, largest = [], -inf
    for i in range(k, most + 1):
        term = _log_comb(marked, i) + _log_comb(total - marked, draws - i) - ways
        terms.append(term)
        if term < largest + NEGLIGIBLE:  # past the mode, and falling faster than geometrically
            break
        largest = max(largest, term)
    return min(0.0, largest + log1p(sum(exp(term - largest) for term in terms) - 1))


def _log_comb(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
